// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Reads compressed_segmentation.
///
/// A chunk is words of 32 bits, little-endian. It begins with the word offset of each channel. All other offsets are
/// from their channel's start. A channel begins with two words a block:
///
///     word 0   bits 0 to 23: offset of the block's table; bits 24 to 31: bits a voxel, n
///     word 1   offset of the packed indices; bits 24 to 31 mean nothing, as in other readers
///
/// Packed are n bits for each voxel of a whole block, clipped or not, x fastest, from the low end of each word. The
/// indices lead into the table, whose length is written nowhere: it may go on to the end of the chunk.
struct SegmentationDecoder<Label: FixedWidthInteger & UnsignedInteger & BitwiseCopyable> {
    private let grid: BlockGrid

    init(_ grid: BlockGrid) { self.grid = grid }

    /// `voxels` has room for the labels of all channels.
    func decode(
        _ bytes: UnsafeRawBufferPointer,
        channels: Int,
        into voxels: UnsafeMutableRawBufferPointer
    ) throws(ChunkCodecError) {
        guard bytes.count % 4 == 0 else { throw .segmentation(.byteCount(bytes.count)) }
        let chunk = LittleEndianWords(bytes)
        guard chunk.count >= channels, let base = voxels.baseAddress else {
            throw .segmentation(.channelTable(words: chunk.count, channels: channels))
        }
        for channel in 0..<channels {
            let offset = Int(chunk[channel])
            guard offset <= chunk.count else {
                throw .segmentation(.channelOffset(offset, channel: channel, words: chunk.count))
            }
            let labels = base + channel * grid.chunkVoxels * MemoryLayout<Label>.size
            try decode(chunk.dropFirst(offset), into: labels)
        }
    }

    private func decode(
        _ words: LittleEndianWords,
        into labels: UnsafeMutableRawPointer
    ) throws(ChunkCodecError) {
        guard words.count >= 2 * grid.blockCount else {
            throw .segmentation(.blockHeaders(words: words.count, needed: 2 * grid.blockCount))
        }
        for k in 0..<grid.counts.z {
            for j in 0..<grid.counts.y {
                for i in 0..<grid.counts.x {
                    try decode(grid.cell(i, j, k), of: words, into: labels)
                }
            }
        }
    }

    private func decode(
        _ cell: BlockGrid.Cell,
        of words: LittleEndianWords,
        into labels: UnsafeMutableRawPointer
    ) throws(ChunkCodecError) {
        let header = words[2 * cell.index]
        let bits = Int(header >> 24)
        let tableOffset = Int(header & 0xFF_FFFF)
        // Labels that the table may have before the channel ends.
        let room = (words.count - tableOffset) / (Label.bitWidth / 32)
        guard words.count > tableOffset, room >= 1 else {
            throw .segmentation(.table(offset: tableOffset, block: cell.index, words: words.count))
        }
        let packedOffset = Int(words[2 * cell.index + 1] & 0xFF_FFFF)
        // At most 2^24 voxels of 32 bits.
        let packedCount = (bits * grid.blockVoxels + 31) / 32
        guard bits <= 32, bits & (bits - 1) == 0 else {
            throw .segmentation(.labelBits(bits, block: cell.index))
        }
        guard packedOffset <= words.count, packedCount <= words.count - packedOffset else {
            throw .segmentation(
                .packedLabels(
                    offset: packedOffset,
                    count: packedCount,
                    block: cell.index,
                    words: words.count
                )
            )
        }
        let block = SegmentationBlock<Label>(
            extent: cell.extent,
            rowVoxels: grid.block.x,
            planeVoxels: grid.block.x * grid.block.y,
            packed: words.pointer(at: packedOffset),
            table: words.pointer(at: tableOffset),
            room: room,
            output: labels + cell.firstVoxel * MemoryLayout<Label>.size,
            outputRow: grid.chunk.x * MemoryLayout<Label>.size,
            outputPlane: grid.chunk.x * grid.chunk.y * MemoryLayout<Label>.size
        )
        let highest = block.unpack(bits)
        guard highest < room else {
            throw .segmentation(.tableIndex(highest, block: cell.index, values: room))
        }
    }
}
