// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@testable import Volumes

@Suite struct OMEZarrTests {
    /// Two scales at an offset, in one channel.
    static func grey() throws -> OMEZarr { OMEZarr(try VolumeInfo(json: InfoText.root([:])), name: "em") }

    static let colour = OMEZarr(volume(size: Extent3(100, 30, 20), type: .uint16, channels: 3), name: "rgb")

    static func text(_ zarr: OMEZarr, _ path: Substring) throws -> String {
        let resource = try #require(zarr.resource(at: path))
        return String(decoding: try #require(zarr.metadata(resource)), as: UTF8.self)
    }

    @Test("The group is one of Zarr 2")
    func group() throws { #expect(try Self.text(Self.grey(), ".zgroup") == "{\"zarr_format\":2}") }

    @Test("Voxel centres of every level lie where the precomputed volume has them")
    func attributes() throws {
        // z, y, x: (5 + 1/2) 40, (13 + 1/2) 8, (-70 + 1/2) 8; and the same of the second scale.
        #expect(
            try Self.text(Self.grey(), ".zattrs") == """
                {"multiscales":[{"axes":[\
                {"name":"z","type":"space","unit":"nanometer"},\
                {"name":"y","type":"space","unit":"nanometer"},\
                {"name":"x","type":"space","unit":"nanometer"}],\
                "datasets":[\
                {"coordinateTransformations":[{"scale":[40,8,8],"type":"scale"},\
                {"translation":[220,108,-556],"type":"translation"}],"path":"0"},\
                {"coordinateTransformations":[{"scale":[40,16,16],"type":"scale"},\
                {"translation":[220,104,-552],"type":"translation"}],"path":"1"}],\
                "name":"em","version":"0.4"}]}
                """
        )
    }

    @Test("An array has the axes z, y, x, and a chunk that is alone along an axis is not padded there")
    func array() throws {
        #expect(
            try Self.text(Self.grey(), "0/.zarray") == """
                {"chunks":[64,64,64],"compressor":null,"dimension_separator":"/","dtype":"|u1","fill_value":0,\
                "filters":null,"order":"C","shape":[67,151,203],"zarr_format":2}
                """
        )
        #expect(try Self.text(Self.grey(), "1/.zattrs") == "{\"_ARRAY_DIMENSIONS\":[\"z\",\"y\",\"x\"]}")
        #expect(Self.colour.chunkExtent(level: 0) == Extent3(64, 30, 20))
    }

    @Test("Several channels are an axis in front, all in one chunk")
    func channels() throws {
        let array = try Self.text(Self.colour, "0/.zarray")
        #expect(array.contains("\"shape\":[3,20,30,100]") && array.contains("\"chunks\":[3,20,30,64]"))
        #expect(array.contains("\"dtype\":\"<u2\""))
        let attributes = try Self.text(Self.colour, ".zattrs")
        #expect(attributes.contains("\"axes\":[{\"name\":\"c\",\"type\":\"channel\"},{\"name\":\"z\""))
        #expect(
            attributes.contains("\"scale\":[1,40,8,8]") && attributes.contains("\"translation\":[0,20,4,4]")
        )
        #expect(try Self.text(Self.colour, "0/.zattrs").contains("[\"c\",\"z\",\"y\",\"x\"]"))
    }

    @Test("Consolidated metadata is all the rest")
    func consolidated() throws {
        let zarr = try Self.grey()
        let whole = try JSONValue(parsing: Array(try Self.text(zarr, ".zmetadata").utf8), limit: 1 << 20)
        guard case .object(let members) = whole, case .object(let texts) = members["metadata"] else {
            Issue.record("no metadata")
            return
        }
        #expect(members["zarr_consolidated_format"] == .integer(1))
        #expect(
            Set(texts.keys) == [".zgroup", ".zattrs", "0/.zarray", "0/.zattrs", "1/.zarray", "1/.zattrs"]
        )
        for (path, value) in texts {
            #expect(try Self.text(zarr, Substring(path)) == String(decoding: value.encoded(), as: UTF8.self))
        }
    }

    @Test("A path of three numbers is a cell, z first")
    func chunks() throws {
        let zarr = try Self.grey()
        #expect(zarr.resource(at: "0/1/2/3") == .chunk(level: 0, cell: Extent3(3, 2, 1)))
        #expect(zarr.resource(at: "1/1/1/0") == .chunk(level: 1, cell: Extent3(0, 1, 1)))
        #expect(zarr.metadata(.chunk(level: 0, cell: Extent3(3, 2, 1))) == nil)
        #expect(Self.colour.resource(at: "0/0/0/0/1") == .chunk(level: 0, cell: Extent3(1, 0, 0)))
        #expect(Self.colour.resource(at: "0/1/0/0/1") == nil)
        #expect(Self.colour.resource(at: "0/0/0/1") == nil)
    }

    @Test(
        "Anything else is not there",
        arguments: [
            "", "/", ".zarray", "zarr.json", "0", "0/", "0/.zgroup", "0/zarr.json", "2/.zarray", "00/.zarray",
            "-0/.zarray", "+0/.zarray", "0/0/0", "0/0/0/0/0", "0/0/0/0/", "/0/0/0/0", "0/2/0/0", "0/0/3/0",
            "0/0/0/4", "0/0/0/-1", "0/0/0/00", "0/0/0/01", "0/0.0.0", "0/0/0/18446744073709551616", "0//0/0",
            "9999999999999999/.zarray", "../0/.zarray", "0/0/0/0/0/0/0/0",
        ]
    )
    func nothing(path: String) throws { #expect(try Self.grey().resource(at: Substring(path)) == nil) }

    @Test("A scale that cannot be read here is left out, and the others keep their numbers")
    func unreadable() throws {
        var info = try VolumeInfo(json: InfoText.root([:]))
        info.scales[0].encoding = .jxl
        let zarr = OMEZarr(info, name: "em")
        #expect(zarr.levels == [1])
        #expect(zarr.resource(at: "0/.zarray") == nil && zarr.resource(at: "0/0/0/0") == nil)
        #expect(zarr.resource(at: "1/.zarray") == .array(level: 1))
        #expect(try !Self.text(zarr, ".zattrs").contains("\"path\":\"0\""))
    }
}
