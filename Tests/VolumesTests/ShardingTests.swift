// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@testable import Volumes

@Suite struct ShardingTests {
    @Test(
        "The compressed Morton code leaves out bits that an axis does not have",
        arguments: [
            (Extent3(7, 5, 5), Extent3(6, 4, 4), 456), (Extent3(7, 5, 5), Extent3(1, 2, 3), 53),
            (Extent3(8, 1, 2), Extent3(5, 0, 1), 11), (Extent3(17, 4, 13), Extent3(11, 3, 9), 799),
            (Extent3(1001, 2, 100_000), Extent3(1000, 1, 70_000), 143_588_482),
            (Extent3(3, 2, 1), Extent3(2, 1, 0), 6), (Extent3(1, 1, 1), Extent3(0, 0, 0), 0),
        ] as [(Extent3, Extent3, UInt64)]
    )
    func mortonCodes(cells: Extent3, cell: Extent3, code: UInt64) {
        #expect(compressedMortonCode(of: cell, gridCells: cells) == code)
    }

    @Test("Codes of a grid are all different, and codes of a full power of two have no holes")
    func mortonCodesAreDifferent() {
        for cells in [Extent3(7, 5, 3), Extent3(8, 4, 2), Extent3(1, 16, 1)] {
            let all = Box3(begin: Extent3(0, 0, 0), end: cells)
            let codes = Set(BoxPositions(all).map { compressedMortonCode(of: $0, gridCells: cells) })
            #expect(codes.count == cells.product)
            if cells != Extent3(7, 5, 3) { #expect(codes.max() == UInt64(codes.count - 1)) }
        }
    }

    @Test(
        "Keys are hashed as everybody hashes them",
        arguments: [
            (0, 0x4772_b084_e028_ae41), (1, 0xe8bd_67d6_16d4_ce9a), (2, 0xd62f_9cd2_1b01_3f5a),
            (42, 0xc20b_94f9_5119_f47a), (0xffff_ffff, 0x0072_60ff_c087_51be),
            (0x1_0000_0000, 0xbbb1_2d13_3b78_fd64), (0x0123_4567_89ab_cdef, 0x7080_3626_4c10_9d93),
            (.max, 0x574f_66bd_212b_5d1a),
        ] as [(UInt64, UInt64)]
    )
    func hashes(key: UInt64, hash: UInt64) { #expect(murmurHash3x86x128(of: key) == hash) }

    @Test("A code is shifted, hashed and divided into minishard and shard")
    func places() {
        let spec = ShardingSpec(preshiftBits: 1, hash: .identity, minishardBits: 2, shardBits: 5)
        // 456 >> 1 = 228 = 0b11100100: minishard 00, shard 11001.
        let place = spec.place(of: Extent3(6, 4, 4), gridCells: Extent3(7, 5, 5))
        #expect(place == ShardPlace(fileName: "19.shard", minishard: 0, chunkID: 456))
        let hashed = ShardingSpec(preshiftBits: 0, hash: .murmurHash3, minishardBits: 3, shardBits: 61)
        // Cell 2 of 4 along x has the code 2, and its hash is d62f9cd21b013f5a.
        #expect(
            hashed.place(of: Extent3(2, 0, 0), gridCells: Extent3(4, 1, 1))
                == ShardPlace(fileName: "1ac5f39a436027eb.shard", minishard: 2, chunkID: 2)
        )
    }

    @Test("Shifts by all 64 bits leave 0, and no shard bits are one shard")
    func extremes() {
        let one = ShardingSpec(preshiftBits: 64, hash: .identity, minishardBits: 0, shardBits: 0)
        #expect(one.place(of: Extent3(6, 4, 4), gridCells: Extent3(7, 5, 5)).fileName == "0.shard")
        let wide = ShardingSpec(preshiftBits: 0, hash: .identity, minishardBits: 0, shardBits: 64)
        #expect(
            wide.place(of: Extent3(6, 4, 4), gridCells: Extent3(7, 5, 5)).fileName == "00000000000001c8.shard"
        )
        #expect(wide.fileName(of: .max) == "ffffffffffffffff.shard")
        let padded = ShardingSpec(preshiftBits: 0, hash: .identity, minishardBits: 0, shardBits: 5)
        #expect(padded.fileName(of: 10) == "0a.shard")
    }

    @Test("An entry of the shard index counts from the end of that index")
    func shardIndex() throws {
        let spec = ShardingSpec(preshiftBits: 0, hash: .identity, minishardBits: 3, shardBits: 0)
        #expect(spec.shardIndexByteRange(minishard: 5) == 80..<96)
        #expect(try spec.minishardIndexByteRange(entry: words([100, 124]).span, minishard: 5) == 228..<252)
        #expect(try spec.minishardIndexByteRange(entry: words([100, 100]).span, minishard: 5) == nil)
    }

    @Test(
        "An entry that lies is refused",
        arguments: [[101, 100], [0, .max], [.max, .max], [0, 1 << 62], [.max, 0]] as [[UInt64]]
    )
    func lyingShardIndex(entry: [UInt64]) {
        let spec = ShardingSpec(preshiftBits: 0, hash: .identity, minishardBits: 3, shardBits: 0)
        #expect(throws: ShardError.badMinishardRange(minishard: 7)) {
            try spec.minishardIndexByteRange(entry: words(entry).span, minishard: 7)
        }
    }

    @Test("A shard that ends inside its index is refused", arguments: [0, 1, 15, 17])
    func cutShardIndex(count: Int) {
        let spec = ShardingSpec(preshiftBits: 0, hash: .identity, minishardBits: 0, shardBits: 0)
        #expect(throws: ShardError.cutShardIndex(byteCount: count)) {
            try spec.minishardIndexByteRange(entry: [UInt8](repeating: 0, count: count).span, minishard: 0)
        }
    }
}

@Suite struct MinishardIndexTests {
    static let spec = ShardingSpec(preshiftBits: 0, hash: .identity, minishardBits: 1, shardBits: 0)

    static func index(_ rows: [UInt64], limit: Int = 100) throws(ShardError) -> MinishardIndex {
        try MinishardIndex(words(rows).span, spec: spec, limit: limit)
    }

    @Test("Numbers are differences, offsets are differences from the end before")
    func differences() throws {
        // Chunks 5, 7 and 12: 10 bytes from the end of the shard index (32), a hole of 4, an empty one.
        let index = try Self.index([5, 2, 5, 0, 4, 0, 10, 6, 0])
        #expect(index.count == 3)
        #expect(index.byteRange(of: 5) == 32..<42)
        #expect(index.byteRange(of: 7) == 46..<52)
        #expect(index.byteRange(of: 12) == 52..<52)
        for missing: UInt64 in [0, 4, 6, 13, .max] { #expect(index.byteRange(of: missing) == nil) }
    }

    @Test("Numbers and offsets out of order are read, and of equal numbers the first counts")
    func unsorted() throws {
        // Chunk 9 at 42..<52, then chunk 3 before it at 32..<42, then 9 once more.
        let back = UInt64(bitPattern: -20)
        let index = try Self.index([9, UInt64(bitPattern: -6), 6, 10, back, 0, 10, 10, 1])
        #expect(index.byteRange(of: 9) == 42..<52)
        #expect(index.byteRange(of: 3) == 32..<42)
        #expect(index.count == 3)
    }

    @Test("No bytes are no chunks")
    func empty() throws {
        let index = try Self.index([])
        #expect(index.count == 0)
        #expect(index.byteRange(of: 0) == nil)
    }

    @Test("A length that is no multiple of 24 is refused", arguments: [1, 8, 16, 23, 25, 40])
    func uneven(count: Int) {
        #expect(throws: ShardError.unevenMinishardIndex(byteCount: count)) {
            try MinishardIndex([UInt8](repeating: 0, count: count).span, spec: Self.spec, limit: 100)
        }
    }

    @Test(
        "Chunks beyond 2^62, or in front of the data, are refused",
        arguments: [[1, 0, 1 << 62], [1, 1 << 62, 0], [1, .max - 31, .max], [1, .max, 0]] as [[UInt64]]
    )
    func beyond(rows: [UInt64]) {
        #expect(throws: ShardError.badChunkRange(chunkID: 1)) { try Self.index(rows) }
    }

    @Test("More chunks than the limit are refused")
    func limit() throws {
        let rows: [UInt64] = [1, 1, 0, 0, 1, 1]
        #expect(try Self.index(rows, limit: 2).count == 2)
        #expect(throws: ShardError.tooManyChunks(count: 2, limit: 1)) { try Self.index(rows, limit: 1) }
    }
}

/// 64-bit numbers, lowest byte first.
private func words(_ words: [UInt64]) -> [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
}
