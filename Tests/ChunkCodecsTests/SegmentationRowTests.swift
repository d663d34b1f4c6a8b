// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

/// Rows of eight voxels and of multiples of eight, which are read and written as a whole.
@Suite struct SegmentationRowTests {
    static let types: [(VoxelType, words: Int)] = [(.uint32, 1), (.uint64, 2)]

    /// One block 16 x 3 x 2, its indices, and a table of `values` labels at the chunk's end.
    static func chunk(_ bits: Int, _ indices: [UInt32], values: Int, labelWords: Int) -> [UInt8] {
        let packedWords = (96 * bits + 31) / 32
        var packed = [UInt32](repeating: 0, count: packedWords)
        for (voxel, index) in indices.enumerated() {
            packed[voxel * bits / 32] |= index << UInt32(voxel * bits % 32)
        }
        let table = (0..<values).flatMap { littleEndian(label($0)).prefix(4 * labelWords) }
        return bytes(of: [1, UInt32(bits << 24 | 2 + packedWords), 2]) + bytes(of: packed) + table
    }

    static func label(_ index: Int) -> UInt64 { UInt64(index) &* 0x9E37_79B9_7F4A_7C15 ^ 0x1234 }

    static func format(_ type: VoxelType) throws -> ChunkFormat {
        try SegmentationTests.format(type, block: Extent3(16, 3, 2))
    }

    @Test(
        "Whole rows are read at every width, from tables that have every label and from shorter ones",
        arguments: [1, 2, 4, 8, 16, 32]
    )
    func wholeRows(bits: Int) throws {
        for (type, labelWords) in Self.types {
            let most = bits < 10 ? 1 << bits : 700
            // A full table, one that lacks the last label, and one of a single label.
            for values in Set([most, most - 1, 1]) {
                let indices = (0..<96).map { voxel -> UInt32 in
                    let mixed = (voxel * 37) ^ (voxel / 5)
                    return UInt32(mixed % values)
                }
                let chunk = Self.chunk(bits, indices, values: values, labelWords: labelWords)
                let expected = indices.flatMap { littleEndian(Self.label(Int($0))).prefix(4 * labelWords) }
                #expect(try Self.format(type).decoded(chunk, Extent3(16, 3, 2)) == expected)
                // What lies behind the table is room for labels too, so that every index is within it.
                let roomy = chunk + [UInt8](repeating: 0, count: 4 * labelWords << min(bits, 16))
                #expect(try Self.format(type).decoded(roomy, Extent3(16, 3, 2)) == expected)
                // The same block clipped to one group a row, and to a part of one.
                for side in [8, 5] {
                    let rows = (0..<6).flatMap { row -> [UInt8] in
                        let begin = row * 64 * labelWords
                        return Array(expected[begin..<begin + side * 4 * labelWords])
                    }
                    #expect(try Self.format(type).decoded(chunk, Extent3(side, 3, 2)) == rows)
                }
            }
        }
    }

    @Test("An index beyond the table is refused at every voxel of a row", arguments: [1, 2, 4, 8, 16, 32])
    func beyondTable(bits: Int) throws {
        for (type, labelWords) in Self.types {
            let values = bits == 1 ? 1 : 3
            for voxel in 0..<96 {
                var indices = (0..<96).map { (voxel: Int) in UInt32(voxel % values) }
                indices[voxel] = UInt32(values)
                let chunk = Self.chunk(bits, indices, values: values, labelWords: labelWords)
                #expect(
                    try Self.format(type).refusal(chunk, Extent3(16, 3, 2))
                        == .segmentation(.tableIndex(values, block: 0, values: values))
                )
                // Outside of the chunk it is never looked at.
                let refusal = try Self.format(type).refusal(chunk, Extent3(8, 3, 2))
                #expect((refusal == nil) == (voxel % 16 >= 8))
            }
        }
    }

    @Test("Rows of one label, of two and of more have the table and the indices they should")
    func writtenRows() throws {
        for (type, labelWords) in Self.types {
            let format = try SegmentationTests.format(type, block: Extent3(8, 8, 8))
            for count in [1, 2, 3, 4, 5, 15, 16, 17, 40] {
                // Clipped along y and z: the packed rows beyond are 0.
                let extent = Extent3(8, 5, 7)
                let picks = (0..<280).map { voxel -> Int in
                    let (x, row) = (voxel % 8, voxel / 8)
                    switch row % 3 {
                    case 0: return row % count
                    case 1: return x < row % 9 ? (count - 1) : (row / 2) % count
                    default: return (voxel * 7) % count
                    }
                }
                // Neither ascending nor descending as they are met.
                let labels = picks.map { Self.label($0) }
                let values = labels.map { type == .uint32 ? $0 & 0xFFFF_FFFF : $0 }
                let voxels = values.flatMap { littleEndian($0).prefix(4 * labelWords) }
                let table = Set(values).sorted()
                let bits = [0, 1, 2, 4, 8].first { 1 << $0 >= table.count } ?? 16
                var packed = [UInt32](repeating: 0, count: 16 * bits)
                if bits > 0 {
                    for (voxel, value) in values.enumerated() {
                        let (row, x) = (voxel / 8 % 5 + 8 * (voxel / 40), voxel % 8)
                        let bit = (8 * row + x) * bits
                        packed[bit / 32] |= UInt32(table.firstIndex(of: value) ?? 0) << UInt32(bit % 32)
                    }
                }
                let header = [1, UInt32(bits << 24 | 2 + packed.count), 2]
                let expected =
                    bytes(of: header) + bytes(of: packed)
                    + table.flatMap { littleEndian($0).prefix(4 * labelWords) }
                let chunk = try format.encoded(voxels, extent)
                #expect(chunk == expected, "\(type), \(count) labels")
                #expect(try format.decoded(chunk, extent) == voxels)
            }
        }
    }
}
