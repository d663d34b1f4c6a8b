// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// How the chunks of a scale are spread over `.shard` files: `neuroglancer_uint64_sharded_v1`.
package struct ShardingSpec: Sendable, Hashable {
    package enum Hash: String, CaseIterable, Sendable, Hashable {
        case identity
        case murmurHash3 = "murmurhash3_x86_128"
    }

    /// What an index or a chunk is packed with, each on its own.
    package enum Packing: String, CaseIterable, Sendable, Hashable {
        case raw, gzip
    }

    /// 0 to 64.
    package let preshiftBits: Int
    package let hash: Hash
    /// 0 to 32, as tensorstore has it.
    package let minishardBits: Int
    /// 0 to 64, together with ``minishardBits``.
    package let shardBits: Int
    package let minishardIndexPacking: Packing
    package let dataPacking: Packing

    /// - Precondition: The bits are within their limits.
    package init(
        preshiftBits: Int,
        hash: Hash,
        minishardBits: Int,
        shardBits: Int,
        minishardIndexPacking: Packing = .raw,
        dataPacking: Packing = .raw
    ) {
        precondition(
            (0...64).contains(preshiftBits) && (0...32).contains(minishardBits) && shardBits >= 0
                && minishardBits + shardBits <= 64,
            "bits beyond their limits"
        )
        self.preshiftBits = preshiftBits
        self.hash = hash
        self.minishardBits = minishardBits
        self.shardBits = shardBits
        self.minishardIndexPacking = minishardIndexPacking
        self.dataPacking = dataPacking
    }

    /// Bytes of the index that a shard begins with; offsets in the shard count from its end.
    package var shardIndexByteCount: Int { 16 << minishardBits }

    /// Where the chunk of a cell is stored, in a grid of `gridCells` cells.
    ///
    /// - Precondition: The cell is one of the grid, and the grid has fewer than 2^52 cells, as every ``ChunkGrid`` of
    ///   a checked scale does.
    package func place(of cell: Extent3, gridCells: Extent3) -> ShardPlace {
        let chunkID = compressedMortonCode(of: cell, gridCells: gridCells)
        // A smart shift: by 64 bits it leaves 0.
        let shifted = chunkID >> UInt64(preshiftBits)
        let hashed =
            switch hash {
            case .identity: shifted
            case .murmurHash3: murmurHash3x86x128(of: shifted)
            }
        let minishard = Int(hashed & lowBits(minishardBits))
        let shard = (hashed >> UInt64(minishardBits)) & lowBits(shardBits)
        return ShardPlace(fileName: fileName(of: shard), minishard: minishard, chunkID: chunkID)
    }

    /// The name of a shard's file: lower-case hexadecimal digits, as many as the largest shard needs, and `.shard`.
    package func fileName(of shard: UInt64) -> String {
        let digits = String(shard, radix: 16)
        let width = 4.dividingUp(shardBits)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits + ".shard"
    }

    /// Where the shard index has the entry of a minishard: 16 bytes of the file.
    package func shardIndexByteRange(minishard: Int) -> Range<Int> {
        precondition((0..<1 << minishardBits).contains(minishard), "no such minishard")
        return 16 * minishard..<16 * minishard + 16
    }

    /// Finds the index of a minishard.
    ///
    /// - Parameters:
    ///   - entry: The 16 bytes at ``shardIndexByteRange(minishard:)``.
    ///   - minishard: Its number, for the message.
    /// - Returns: Where the file has it, packed; `nil` if the minishard is empty.
    /// - Throws: ``ShardError`` for another count of bytes, or a range that cannot be.
    package func minishardIndexByteRange(
        entry: Span<UInt8>,
        minishard: Int
    ) throws(ShardError) -> Range<Int>? {
        guard entry.count == 16 else { throw .cutShardIndex(byteCount: entry.count) }
        let begin = littleEndianWord(entry, at: 0)
        let end = littleEndianWord(entry, at: 8)
        guard begin <= end, end <= maxShardOffset - UInt64(shardIndexByteCount) else {
            throw .badMinishardRange(minishard: minishard)
        }
        guard begin < end else { return nil }
        return Int(begin) + shardIndexByteCount..<Int(end) + shardIndexByteCount
    }
}

/// Where the chunk of a cell is stored.
package struct ShardPlace: Sendable, Hashable {
    /// In the directory of the scale; as `0a.shard`. A file that is not there has no chunks.
    package let fileName: String
    package let minishard: Int
    /// The compressed Morton code of the cell, under which the minishard index has it.
    package let chunkID: UInt64
}

/// Positions in a shard end here, so that sums of two have room.
let maxShardOffset: UInt64 = 1 << 62

/// A 64-bit number of 8 bytes at `offset`, lowest first; they must be there.
func littleEndianWord(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in 0..<8 { word |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
    return word
}

private func lowBits(_ count: Int) -> UInt64 { ~(~0 << UInt64(count)) }
