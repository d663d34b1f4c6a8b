// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

/// Chunks that TensorStore made.
@Suite struct SegmentationVectorTests {
    static let extent = Extent3(5, 3, 2)
    static let labels = [7, 9, 5, 5, 0, 0, 0, 5, 5, 0, 0, 0, 5, 5, 0] + Array(repeating: 0, count: 14) + [3]

    static func format(_ type: VoxelType) throws -> ChunkFormat {
        try ChunkFormat(encoding: .compressedSegmentation, type: type, blockExtent: Extent3(4, 2, 2))
    }

    @Test("The vector of the format's description is reproduced byte for byte, in both widths")
    func described() throws {
        let narrow = words(
            "1 | 02000009 8  d d  0100000f e  01000012 11 | 505e  0 5 7 9 | 0 | c  0 5 | 100  0 3"
        )
        let wide = words(
            """
            1 | 02000009 8  11 11  01000014 13  01000019 18 | 505e  0 0 5 0 7 0 9 0 | 0 0 | c  0 0 5 0 | 100  0 0 3 0
            """
        )
        let format32 = try Self.format(.uint32)
        let voxels32 = bytes(of: Self.labels.map { UInt32($0) })
        #expect(try format32.encoded(voxels32, Self.extent) == narrow)
        #expect(try format32.decoded(narrow, Self.extent) == voxels32)
        let format64 = try Self.format(.uint64)
        let voxels64 = bytes(of: Self.labels.map { UInt64($0) })
        #expect(try format64.encoded(voxels64, Self.extent) == wide)
        #expect(try format64.decoded(wide, Self.extent) == voxels64)
    }

    /// Labels by a formula, and what TensorStore made of them. From scripts/chunk-vectors.py.
    struct Vector: Sendable, CustomTestStringConvertible {
        let type: VoxelType
        let channels: Int
        let extent: Extent3
        let block: Extent3
        /// Distinct labels, more or less.
        let spread: Int
        let byteCount: Int
        let checksum: UInt32

        var testDescription: String { "\(type) x \(channels), \(extent), blocks \(block), \(spread) labels" }

        init(
            _ type: VoxelType,
            _ channels: Int,
            _ extent: (Int, Int, Int),
            _ block: (Int, Int, Int),
            _ spread: Int,
            _ byteCount: Int,
            _ checksum: UInt32
        ) {
            self.type = type
            self.channels = channels
            self.extent = Extent3(extent.0, extent.1, extent.2)
            self.block = Extent3(block.0, block.1, block.2)
            self.spread = spread
            self.byteCount = byteCount
            self.checksum = checksum
        }

        var labels: [UInt64] {
            var labels: [UInt64] = []
            for c in 0..<channels {
                for z in 0..<extent.z {
                    for y in 0..<extent.y {
                        for x in 0..<extent.x {
                            var patch = (x / 3 + 5 * (y / 4) + 11 * (z / 2) + 17 * c) % spread
                            let isStray = (7 * x + 13 * y + 29 * z) % 31 == 0
                            if isStray { patch = (patch + x) % spread }
                            labels.append(UInt64(patch + 1) &* 0x9E37_79B9_7F4A_7C15)
                        }
                    }
                }
            }
            return labels
        }
    }

    @Test("Chunks have the bytes that TensorStore gives them", arguments: vectors)
    func likeTensorStore(vector: Vector) throws {
        let format = try ChunkFormat(
            encoding: .compressedSegmentation,
            type: vector.type,
            channels: vector.channels,
            blockExtent: vector.block
        )
        let voxels =
            vector.type == .uint64
            ? bytes(of: vector.labels) : bytes(of: vector.labels.map { UInt32(truncatingIfNeeded: $0) })
        let chunk = try format.encoded(voxels, vector.extent)
        #expect(chunk.count == vector.byteCount)
        #expect(CRC32.update(0, chunk) == vector.checksum)
        #expect(try format.decoded(chunk, vector.extent) == voxels)
    }

    static let vectors: [Vector] = [
        Vector(.uint32, 1, (8, 8, 8), (8, 8, 8), 1, 16, 0x1CCDBE9D),
        Vector(.uint32, 2, (8, 8, 8), (8, 8, 8), 400, 1288, 0x9FA7F8AA),
        Vector(.uint32, 3, (8, 8, 8), (4, 2, 2), 20, 1944, 0x52E714B1),
        Vector(.uint32, 1, (8, 8, 8), (5, 7, 3), 5, 524, 0x48E76AFA),
        Vector(.uint32, 2, (5, 3, 2), (8, 8, 8), 2, 168, 0xECE56A3E),
        Vector(.uint32, 3, (5, 3, 2), (4, 2, 2), 1, 120, 0x13413FBD),
        Vector(.uint32, 1, (5, 3, 2), (4, 2, 2), 400, 56, 0x5314797F),
        Vector(.uint32, 2, (5, 3, 2), (5, 7, 3), 20, 72, 0xEC24545B),
        Vector(.uint32, 3, (1, 1, 1), (8, 8, 8), 5, 48, 0xCAF0306F),
        Vector(.uint32, 1, (1, 1, 1), (4, 2, 2), 2, 16, 0x1CCDBE9D),
        Vector(.uint32, 2, (1, 1, 1), (5, 7, 3), 1, 32, 0xBA9B9B10),
        Vector(.uint32, 3, (1, 1, 1), (5, 7, 3), 400, 48, 0xCD4ADEAC),
        Vector(.uint32, 1, (33, 17, 9), (8, 8, 8), 20, 9600, 0xCC97C968),
        Vector(.uint32, 2, (33, 17, 9), (4, 2, 2), 5, 9816, 0x826ED70E),
        Vector(.uint32, 3, (33, 17, 9), (5, 7, 3), 2, 4572, 0x25C22EF7),
        Vector(.uint32, 1, (64, 64, 3), (8, 8, 8), 1, 520, 0x87DBE68A),
        Vector(.uint32, 2, (64, 64, 3), (8, 8, 8), 400, 72608, 0xAAB24B71),
        Vector(.uint32, 3, (64, 64, 3), (4, 2, 2), 20, 43476, 0x3BB0C576),
        Vector(.uint32, 1, (64, 64, 3), (5, 7, 3), 5, 5648, 0xD7829317),
        Vector(.uint64, 2, (8, 8, 8), (8, 8, 8), 2, 184, 0x9799DA31),
        Vector(.uint64, 3, (8, 8, 8), (4, 2, 2), 1, 804, 0x1AB7C381),
        Vector(.uint64, 1, (8, 8, 8), (4, 2, 2), 400, 908, 0x5C1EDE19),
        Vector(.uint64, 2, (8, 8, 8), (5, 7, 3), 20, 2360, 0x9A68FAC3),
        Vector(.uint64, 3, (5, 3, 2), (8, 8, 8), 5, 276, 0x3E9487E8),
        Vector(.uint64, 1, (5, 3, 2), (4, 2, 2), 2, 68, 0xEB8F8938),
        Vector(.uint64, 2, (5, 3, 2), (5, 7, 3), 1, 40, 0x9A64D107),
        Vector(.uint64, 3, (5, 3, 2), (5, 7, 3), 400, 132, 0x697B94D3),
        Vector(.uint64, 1, (1, 1, 1), (8, 8, 8), 20, 20, 0x77118C8B),
        Vector(.uint64, 2, (1, 1, 1), (4, 2, 2), 5, 40, 0x7E0C1186),
        Vector(.uint64, 3, (1, 1, 1), (5, 7, 3), 2, 60, 0x9FFC00FF),
        Vector(.uint64, 1, (33, 17, 9), (8, 8, 8), 1, 252, 0x04792C7E),
        Vector(.uint64, 2, (33, 17, 9), (8, 8, 8), 400, 24728, 0x59BADE8C),
        Vector(.uint64, 3, (33, 17, 9), (4, 2, 2), 20, 24336, 0xBA872A95),
        Vector(.uint64, 1, (33, 17, 9), (5, 7, 3), 5, 2936, 0x9D939140),
        Vector(.uint64, 2, (64, 64, 3), (8, 8, 8), 2, 9256, 0x16BF0C61),
        Vector(.uint64, 3, (64, 64, 3), (4, 2, 2), 1, 24612, 0x23EBCC3E),
        Vector(.uint64, 1, (64, 64, 3), (4, 2, 2), 400, 23188, 0x03E53B62),
        Vector(.uint64, 2, (64, 64, 3), (5, 7, 3), 20, 37232, 0x0F0F55FA),
    ]
}
