// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// The words of one channel of compressed_segmentation, checked block by block; the format is drawn at
/// ``SegmentationDecoder``. Lent: the bytes must outlive it.
struct SegmentationChannel {
    private let words: LittleEndianWords
    private let grid: BlockGrid
    /// Words of a label: 1 or 2.
    private let labelWords: Int

    /// Where a block's parts lie, all of them in the channel.
    struct Entry {
        /// 0 or a power of two up to 32.
        let bits: Int
        /// The indices of a whole block.
        let packed: UnsafeRawPointer
        /// The first of ``room`` labels.
        let table: UnsafeRawPointer
        /// Labels that the table may have before the channel ends; at least 1.
        let room: Int
    }

    /// - Throws: ``ChunkCodecError/segmentation(_:)`` if there is no such channel, or no room for its block headers.
    init(
        _ number: Int,
        of channels: Int,
        _ bytes: UnsafeRawBufferPointer,
        grid: BlockGrid,
        labelWords: Int
    ) throws(ChunkCodecError) {
        guard bytes.count % 4 == 0 else { throw .segmentation(.byteCount(bytes.count)) }
        let chunk = LittleEndianWords(bytes)
        guard chunk.count >= channels else {
            throw .segmentation(.channelTable(words: chunk.count, channels: channels))
        }
        let offset = Int(chunk[number])
        // Before the end of the offsets themselves no channel can begin.
        guard offset >= channels, offset <= chunk.count else {
            throw .segmentation(.channelOffset(offset, channel: number, words: chunk.count))
        }
        words = chunk.dropFirst(offset)
        self.grid = grid
        self.labelWords = labelWords
        guard words.count >= 2 * grid.blockCount else {
            throw .segmentation(.blockHeaders(words: words.count, needed: 2 * grid.blockCount))
        }
    }

    /// The parts of a block, by its number in the grid.
    ///
    /// - Throws: ``ChunkCodecError/segmentation(_:)`` if one of them is not in the channel, or the bits are no width.
    func entry(_ block: Int) throws(ChunkCodecError) -> Entry {
        let header = words[2 * block]
        let bits = Int(header >> 24)
        let tableOffset = Int(header & 0xFF_FFFF)
        let room = (words.count - tableOffset) / labelWords
        guard words.count > tableOffset, room >= 1 else {
            throw .segmentation(.table(offset: tableOffset, block: block, words: words.count))
        }
        let packedOffset = Int(words[2 * block + 1] & 0xFF_FFFF)
        // At most 2^24 voxels of 32 bits.
        let packedCount = (bits * grid.blockVoxels + 31) / 32
        guard bits <= 32, bits & (bits - 1) == 0 else {
            throw .segmentation(.labelBits(bits, block: block))
        }
        guard packedOffset <= words.count, packedCount <= words.count - packedOffset else {
            throw .segmentation(
                .packedLabels(offset: packedOffset, count: packedCount, block: block, words: words.count)
            )
        }
        return Entry(
            bits: bits,
            packed: words.pointer(at: packedOffset),
            table: words.pointer(at: tableOffset),
            room: room
        )
    }
}
