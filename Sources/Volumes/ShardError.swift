// SPDX-License-Identifier: Apache-2.0

/// Why the index of a shard is not believed.
package enum ShardError: Error, Equatable, Sendable {
    /// An entry of the shard index that is not 16 bytes: the file ends too early.
    case cutShardIndex(byteCount: Int)
    /// A shard index entry that ends before it begins, or lies beyond 2^62.
    case badMinishardRange(minishard: Int)
    /// A minishard index that is not three rows of 64-bit numbers.
    case unevenMinishardIndex(byteCount: Int)
    /// More chunks in a minishard than are read.
    case tooManyChunks(count: Int, limit: Int)
    /// A chunk that lies inside the shard index or beyond 2^62.
    case badChunkRange(chunkID: UInt64)

    /// One sentence: what is wrong, and what would be right.
    package var message: String {
        switch self {
        case .cutShardIndex(let byteCount):
            "the shard ends inside its index: an entry has 16 bytes, and \(byteCount) came"
        case .badMinishardRange(let minishard):
            "the shard index gives minishard \(minishard) a range that ends before it begins, or beyond 2^62"
        case .unevenMinishardIndex(let byteCount):
            "a minishard index is \(byteCount) bytes long; it must be a multiple of 24"
        case .tooManyChunks(let count, let limit):
            "a minishard index lists \(count) chunks; at most \(limit) are read"
        case .badChunkRange(let chunkID):
            "a minishard index puts chunk \(chunkID) inside the shard index or beyond 2^62"
        }
    }
}
