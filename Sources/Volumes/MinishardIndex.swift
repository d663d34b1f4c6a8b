// SPDX-License-Identifier: Apache-2.0

/// Which chunks a minishard has, and where in the file.
///
/// Decoded bytes are three rows of n 64-bit numbers: chunk numbers as differences, offsets as differences from the
/// end of the chunk before, sizes. Differences wrap, so that chunks may stand in any order.
package struct MinishardIndex: Sendable, Equatable {
    /// What an unpacked index has for each chunk: three numbers of 64 bits.
    package static let bytesPerChunk = 24

    private struct Entry: Sendable, Equatable {
        let chunkID: UInt64
        let start: Int
        let end: Int
    }

    /// Sorted by number; of chunks with the same number the first in the index comes first.
    private let entries: [Entry]

    /// - Parameters:
    ///   - bytes: The index, unpacked.
    ///   - spec: The sharding that it belongs to.
    ///   - limit: How many chunks are read; each costs 24 bytes of memory.
    /// - Throws: ``ShardError`` for a length that is no multiple of 24, too many chunks, or a chunk
    ///   inside the shard index or beyond 2^62.
    ///   An index without chunks is not an error.
    package init(_ bytes: Span<UInt8>, spec: ShardingSpec, limit: Int) throws(ShardError) {
        guard bytes.count % Self.bytesPerChunk == 0 else {
            throw .unevenMinishardIndex(byteCount: bytes.count)
        }
        let count = bytes.count / Self.bytesPerChunk
        guard count <= limit else { throw .tooManyChunks(count: count, limit: limit) }
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        var chunkID: UInt64 = 0
        let dataStart = UInt64(spec.shardIndexByteCount)
        var end = dataStart
        var isSorted = true
        for index in 0..<count {
            let difference = littleEndianWord(bytes, at: 8 * index)
            isSorted = isSorted && (index == 0 || !chunkID.addingReportingOverflow(difference).overflow)
            chunkID &+= difference
            let start = end &+ littleEndianWord(bytes, at: 8 * (count + index))
            let size = littleEndianWord(bytes, at: 8 * (2 * count + index))
            guard (dataStart...maxShardOffset).contains(start), size <= maxShardOffset - start else {
                throw .badChunkRange(chunkID: chunkID)
            }
            end = start + size
            entries.append(Entry(chunkID: chunkID, start: Int(start), end: Int(end)))
        }
        // Nearly every index is sorted. Where one is not, equal numbers must stay in their order.
        if !isSorted {
            let order = entries.indices.sorted {
                (entries[$0].chunkID, $0) < (entries[$1].chunkID, $1)
            }
            entries = order.map { entries[$0] }
        }
        self.entries = entries
    }

    package var count: Int { entries.count }

    /// Where the file has a chunk, packed; `nil` if it has no such chunk. Of several with this number the first.
    package func byteRange(of chunkID: UInt64) -> Range<Int>? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].chunkID < chunkID { low = middle + 1 } else { high = middle }
        }
        guard low < entries.count, entries[low].chunkID == chunkID else { return nil }
        return entries[low].start..<entries[low].end
    }
}
