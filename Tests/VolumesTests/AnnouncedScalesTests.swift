// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@testable import Volumes

@Suite struct AnnouncedScalesTests {
    static func announced(_ info: VolumeInfo, mips: MipsRule = .count(2)) throws -> AnnouncedScales {
        let request = LevelRequest(factor: .fixed(Extent3(2, 2, 1)), mips: mips)
        return AnnouncedScales(source: info, made: try LevelPlanner.plan(info, request))
    }

    @Test("The source's scales come first, then those made, and keys lead back")
    func scales() throws {
        let scales = try Self.announced(try VolumeInfo(json: InfoText.sharded([:])))
        #expect(scales.info.scales.map(\.key) == ["8_8_40", "16_16_40", "32_32_40", "64_64_40"])
        #expect((0..<4).map(scales.origin) == [.source(0), .source(1), .made(0), .made(1)])
        #expect(
            scales.info.scales.indices.allSatisfy { scales.index(ofKey: scales.info.scales[$0].key) == $0 }
        )
        #expect(scales.index(ofKey: "8_8_41") == nil)
    }

    @Test("No announced scale is sharded")
    func unsharded() throws {
        let scales = try Self.announced(try VolumeInfo(json: InfoText.sharded([:])))
        #expect(scales.info.scales.allSatisfy { $0.sharding == nil })
        #expect(!String(decoding: scales.info.json(), as: UTF8.self).contains("sharding"))
    }

    @Test("What is announced can be read again", arguments: ["8_8_40", "..", "a b"])
    func readable(key: String) throws {
        let scales = try Self.announced(volume(key: key))
        #expect(try VolumeInfo(json: scales.info.json()) == scales.info)
    }

    @Test(
        "A key that could lead elsewhere is announced under another name",
        arguments: [
            "..", ".", "../8_8_40", "a/../b", "a/./b", "/a", "a/", "a//b", "a\\b", "a\nb", "a\u{7F}b", "a b",
            "ä",
            "a%2fb", "a?b", "a#b", String(repeating: "k", count: 257),
        ]
    )
    func unsafe(key: String) throws {
        let scales = try Self.announced(volume(key: key))
        #expect(scales.info.scales.map(\.key) == ["8_8_40", "16_16_40", "32_32_40"])
        #expect(scales.index(ofKey: "8_8_40") == 0)
        #expect(scales.index(ofKey: key) == nil)
    }

    @Test(
        "Keys that are plain paths stay",
        arguments: ["a/b", "s0", "8.5_8.5_40", "...", "a..b", "@x", String(repeating: "k", count: 256)]
    )
    func safe(key: String) throws { #expect(try Self.announced(volume(key: key)).info.scales[0].key == key) }

    @Test("Names that are given are unique, and so are keys that the source has twice")
    func unique() throws {
        var info = volume(key: "..")
        info.scales.append(info.scales[0])
        info.scales.append(info.scales[0])
        info.scales[1].key = "8_8_40"
        info.scales[2].key = "8_8_40"
        let scales = try Self.announced(info)
        #expect(
            scales.info.scales.map(\.key) == ["8_8_40_mip0", "8_8_40", "8_8_40_mip2", "16_16_40", "32_32_40"]
        )
        #expect((0..<5).allSatisfy { scales.index(ofKey: scales.info.scales[$0].key) == $0 })
    }

    @Test("Directories beside the source are left out unless they are full URLs, and so is a redirect")
    func companions() throws {
        var info = volume(kind: .segmentation, type: .uint64)
        info.others = [
            "mesh": .string("mesh_mip_0"), "skeletons": .string("https://host/skeletons"),
            "segment_properties": .string("../props"), "redirect": .string("https://elsewhere"),
            "owner": .string("me"),
        ]
        let others = try Self.announced(info).info.others
        #expect(others == ["skeletons": .string("https://host/skeletons"), "owner": .string("me")])
    }
}
