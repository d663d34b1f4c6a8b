// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

@Suite struct SegmentationTests {
    static func format(
        _ type: VoxelType = .uint32,
        channels: Int = 1,
        block: Extent3 = Extent3(2, 2, 1)
    ) throws -> ChunkFormat {
        try ChunkFormat(
            encoding: .compressedSegmentation,
            type: type,
            channels: channels,
            blockExtent: block
        )
    }

    /// One block of 2 x 2 x 1 labels.
    static let extent = Extent3(2, 2, 1)

    @Test("Tables need not ascend, may hold a label twice, may overlap, and may lie before the indices")
    func freedom() throws {
        let format = try Self.format()
        // Header, table 9 7 9 7, indices 3 2 1 0 of two bits.
        let chunk = words("1 | 02000002 6 | 9 7 9 7 | 1b")
        #expect(try format.decoded(chunk, Self.extent) == bytes(of: [7, 9, 7, 9] as [UInt32]))
        // The table is the indices' own word and the header's second: 0 leads to 4, 1 to 2.
        let tight = words("1 | 01000001 2 | 4")
        #expect(try format.decoded(tight, Self.extent) == bytes(of: [2, 2, 4, 2] as [UInt32]))
    }

    @Test("Every width of an index is read", arguments: [1, 2, 4, 8, 16, 32])
    func widths(bits: Int) throws {
        for (type, labelWords) in [(VoxelType.uint32, 1), (.uint64, 2)] {
            let format = try Self.format(type, block: Extent3(5, 3, 2))
            let extent = Extent3(4, 3, 2)
            let count = min(1 << bits, 9)
            // Offsets of the channel: header 2, packed, table.
            let packedWords = (30 * bits + 31) / 32
            var packed = [UInt32](repeating: 0, count: packedWords)
            var labels: [UInt64] = []
            for z in 0..<2 {
                for y in 0..<3 {
                    for x in 0..<5 {
                        // What lies outside of the chunk is never looked at.
                        let outside = min(bits, 31)
                        let index = x == 4 ? (1 << outside) - 1 : (x + 3 * y + 5 * z) % count
                        let bit = bits * (x + 5 * (y + 3 * z))
                        packed[bit / 32] |= UInt32(index) << UInt32(bit % 32)
                        if x < 4 { labels.append(UInt64(index) * 0x1_0000_0001 + 5) }
                    }
                }
            }
            let table = (0..<count).flatMap { index in
                littleEndian(UInt64(index) * 0x1_0000_0001 + 5).prefix(4 * labelWords)
            }
            let chunk =
                bytes(of: [1, UInt32(bits << 24 | 2 + packedWords), 2]) + bytes(of: packed) + table
            let expected =
                type == .uint64 ? bytes(of: labels) : bytes(of: labels.map { UInt32($0 & 0xFFFF_FFFF) })
            #expect(try format.decoded(chunk, extent) == expected)
        }
    }

    @Test("Each kind of broken chunk has its reason")
    func broken() throws {
        let one = try Self.format()
        let two = try Self.format(channels: 2)
        let wide = try Self.format(.uint64)
        let cases: [(ChunkFormat, [UInt8], SegmentationFault)] = [
            (one, [1, 0, 0], .byteCount(3)),
            (one, [], .channelTable(words: 0, channels: 1)),
            (two, words("2"), .channelTable(words: 1, channels: 2)),
            (one, words("2"), .channelOffset(2, channel: 0, words: 1)),
            (two, words("2 9 | 00000002 0 7"), .channelOffset(9, channel: 1, words: 5)),
            (one, words("0 0"), .channelOffset(0, channel: 0, words: 2)),
            (two, words("2 1 | 00000002 0 7"), .channelOffset(1, channel: 1, words: 5)),
            (two, words("2 4 | 00000002 0 7"), .blockHeaders(words: 1, needed: 2)),
            (one, words("1 0"), .blockHeaders(words: 1, needed: 2)),
            (one, words("1 00000002 0"), .table(offset: 2, block: 0, words: 2)),
            (one, words("1 00ffffff 0"), .table(offset: 0xFF_FFFF, block: 0, words: 2)),
            (wide, words("1 00000002 0 7"), .table(offset: 2, block: 0, words: 3)),
            (one, words("1 03000002 0 7"), .labelBits(3, block: 0)),
            (one, words("1 21000002 0 7"), .labelBits(33, block: 0)),
            (one, words("1 40000002 0 7"), .labelBits(64, block: 0)),
            (one, words("1 80000002 0 7"), .labelBits(128, block: 0)),
            (one, words("1 00000002 4 7"), .packedLabels(offset: 4, count: 0, block: 0, words: 3)),
            (one, words("1 01000002 3 7"), .packedLabels(offset: 3, count: 1, block: 0, words: 3)),
            (one, words("1 20000002 0 7"), .packedLabels(offset: 0, count: 4, block: 0, words: 3)),
            (one, words("1 01000003 2 8 7"), .tableIndex(1, block: 0, values: 1)),
            (one, words("1 02000003 2 e4 7 8"), .tableIndex(3, block: 0, values: 2)),
            (wide, words("1 01000003 2 8 7 7 7"), .tableIndex(1, block: 0, values: 1)),
            (one, words("1 20000006 2 0 0 ffffffff 0 7"), .tableIndex(0xFFFF_FFFF, block: 0, values: 1)),
        ]
        for (format, chunk, fault) in cases {
            let error = format.refusal(chunk, Self.extent)
            #expect(error == .segmentation(fault))
            #expect(error?.message.hasPrefix("the compressed_segmentation chunk ") == true)
        }
    }

    @Test("The high byte of a block's second word means nothing, as in other readers")
    func secondWord() throws {
        let format = try Self.format()
        let chunk = words("1 | 01000003 ab000002 | a | 5 6")
        #expect(try format.decoded(chunk, Self.extent) == bytes(of: [5, 6, 5, 6] as [UInt32]))
    }

    @Test("A channel that needs an offset of 2^24 words is refused")
    func tooLarge() throws {
        // A block of two voxels in the chunk, and of 2^19 words all the same.
        let format = try Self.format(block: Extent3(1, 4_096, 4_096))
        let voxels = bytes(of: (0..<66).map { UInt32($0) })
        do throws(ChunkCodecError) {
            _ = try format.encoded(voxels, Extent3(33, 2, 1))
            Issue.record("a block at word 2^24 was written")
        } catch {
            #expect(error == .segmentation(.tooLarge(channel: 0)))
            #expect(error.message.contains("2^24"))
        }
        let smaller = Array(voxels.prefix(4 * 62))
        let chunk = try format.encoded(smaller, Extent3(31, 2, 1))
        #expect(chunk.count == 4 * (1 + 31 * (2 + 1 << 19 + 2)))
        #expect(try format.decoded(chunk, Extent3(31, 2, 1)) == smaller)
        // Headers alone are too many.
        let small = try Self.format(block: Extent3(1, 1, 1))
        let zeros = [UInt8](repeating: 0, count: 4 << 23)
        #expect(throws: ChunkCodecError.segmentation(.tooLarge(channel: 0))) {
            try small.encoded(zeros, Extent3(256, 256, 128))
        }
    }

    @Test("Tables of few and of many labels are the same whichever way they were found")
    func manyLabels() throws {
        let format = try Self.format(.uint64, block: Extent3(8, 8, 8))
        for count in [1, 2, 15, 16, 17, 18, 255, 256, 257, 511, 512] {
            // Every label once at least, in an order that neither ascends nor descends.
            let labels = (0..<512).map { UInt64(($0 * 37) % 512 % count) &* 0x9E37_79B9_7F4A_7C15 }
            let voxels = bytes(of: labels)
            let chunk = try format.encoded(voxels, Extent3(8, 8, 8))
            #expect(try format.decoded(chunk, Extent3(8, 8, 8)) == voxels)
            let table = Set(labels).sorted().flatMap(littleEndian)
            #expect(chunk.suffix(table.count) == table[...])
            #expect(Int(chunk[7]) == [0, 1, 2, 4, 8, 16].first { 1 << $0 >= count })
        }
    }
}
