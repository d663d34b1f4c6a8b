// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@testable import Volumes

@Suite struct VolumeInfoTests {
    @Test("An image is read with all its numbers")
    func image() throws {
        let info = try VolumeInfo(json: InfoText.root([:]))
        #expect(info.kind == .image && info.type == .uint8 && info.channels == 1 && info.scales.count == 2)
        let scale = info.scales[0]
        #expect(scale.key == "8_8_40")
        #expect(scale.bounds == Box3(begin: Extent3(-70, 13, 5), end: Extent3(133, 164, 72)))
        #expect(scale.voxelSize == VoxelSize(8, 8, 40))
        #expect(scale.chunkExtents == [Extent3(64, 64, 64)])
        #expect(
            scale.encoding == .raw && scale.blockExtent == nil && scale.sharding == nil && !scale.isHidden
        )
        #expect(info.others.isEmpty && scale.others.isEmpty)
    }

    @Test("What is written is what was read")
    func roundTrip() throws {
        for bytes in [
            InfoText.root([:]), InfoText.sharded([:]),
            InfoText.lastScale(["encoding": .string("jpeg"), "jpeg_quality": .integer(80)]),
            InfoText.lastScale(["encoding": .string("png"), "png_level": .integer(9), "hidden": .bool(true)]),
            InfoText.lastScale(["encoding": .string("jxl"), "jxl_quality": .integer(3)]),
            InfoText.lastScale(["encoding": .string("compresso")]),
            InfoText.lastScale(["resolution": .array([.number(16.5), .integer(16), .integer(40)])]),
            InfoText.root(["mesh": .string("m"), "owner": .array([.null, .string("ü")])]),
        ] {
            let info = try VolumeInfo(json: bytes)
            #expect(info.json() == bytes)
        }
    }

    @Test("Unknown members are kept, of the root and of scales")
    func others() throws {
        let root = try VolumeInfo(
            json: InfoText.root(["owners": .array([.string("me")]), "mesh": .string("m")])
        )
        #expect(root.others == ["owners": .array([.string("me")]), "mesh": .string("m")])
        let scale = try VolumeInfo(json: InfoText.lastScale(["locked": .bool(true)]))
        #expect(scale.scales[1].others == ["locked": .bool(true)])
    }

    @Test(
        "Types and encodings in any case, fractions of nothing and null are read, and written as clients need them"
    )
    func liberal() throws {
        let bytes = InfoText.lastScale(
            [
                "sharding": .null, "voxel_offset": .null, "hidden": .null, "encoding": .string("RAW"),
                "compressed_segmentation_block_size": InfoText.ints(8, 8, 8), "jpeg_quality": .string("?"),
            ],
            of: ["data_type": .string("UINT8"), "@type": .null, "mesh": .null, "type": .string("Image")]
        )
        let text = String(decoding: bytes, as: UTF8.self).replacing203()
        let info = try VolumeInfo(json: Array(text.utf8))
        let expected = InfoText.lastScale(["voxel_offset": InfoText.ints(0, 0, 0)])
        #expect(info.json() == expected)
    }

    @Test("A sharded scale is read")
    func sharded() throws {
        let scale = try VolumeInfo(json: InfoText.sharded([:])).scales[1]
        #expect(
            scale.sharding
                == ShardingSpec(
                    preshiftBits: 9,
                    hash: .murmurHash3,
                    minishardBits: 6,
                    shardBits: 15,
                    minishardIndexPacking: .gzip
                )
        )
        let plain = try VolumeInfo(
            json: InfoText.sharded([
                "minishard_index_encoding": JSONValue?.none, "data_encoding": JSONValue?.none,
            ])
        )
        #expect(plain.scales[1].sharding?.minishardIndexPacking == .raw)
    }

    @Test("Several chunk sizes are several grids, and the first that has the chunk is found")
    func severalGrids() throws {
        let sizes: JSONValue = .array([InfoText.ints(64, 64, 64), InfoText.ints(102, 76, 1)])
        let scale = try VolumeInfo(json: InfoText.lastScale(["chunk_sizes": sizes])).scales[1]
        #expect(scale.grids.count == 2 && scale.grid == scale.grids[0])
        let slice = try #require(ChunkName.parse("-35-67_6-82_8-9"))
        #expect(try #require(scale.chunk(of: slice)) == (1, Extent3(0, 0, 3)))
        let cube = try #require(ChunkName.parse("-35-29_6-70_5-69"))
        #expect(try #require(scale.chunk(of: cube)) == (0, Extent3(0, 0, 0)))
        #expect(scale.chunk(of: Box3(begin: Extent3(-35, 6, 5), end: Extent3(0, 9, 9))) == nil)
    }

    @Test("Bytes that are no object are refused")
    func noObject() {
        let error = #expect(throws: InfoError.self) { try VolumeInfo(json: Array("[1]".utf8)) }
        #expect(error?.message == "`info` is [1]; allowed: an object that describes a volume")
        #expect(throws: InfoError.tooLong(byteCount: 3, limit: 2)) {
            try VolumeInfo(json: Array("[1]".utf8), limit: 2)
        }
    }
}

extension String {
    /// 203 as cloud-volume's arithmetic may write it.
    fileprivate func replacing203() -> String {
        split(separator: "203", omittingEmptySubsequences: false).joined(separator: "203.0")
    }
}
