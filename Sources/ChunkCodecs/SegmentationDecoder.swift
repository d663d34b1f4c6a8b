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
        guard let base = voxels.baseAddress else { preconditionFailure("a chunk has voxels") }
        for number in 0..<channels {
            let channel = try SegmentationChannel(
                number,
                of: channels,
                bytes,
                grid: grid,
                labelWords: Label.bitWidth / 32
            )
            let labels = base + number * grid.chunkVoxels * MemoryLayout<Label>.size
            for k in 0..<grid.counts.z {
                for j in 0..<grid.counts.y {
                    for i in 0..<grid.counts.x {
                        try decode(grid.cell(i, j, k), of: channel, into: labels)
                    }
                }
            }
        }
    }

    private func decode(
        _ cell: BlockGrid.Cell,
        of channel: SegmentationChannel,
        into labels: UnsafeMutableRawPointer
    ) throws(ChunkCodecError) {
        let entry = try channel.entry(cell.index)
        let block = SegmentationBlock<Label>(
            extent: cell.extent,
            rowVoxels: grid.block.x,
            planeVoxels: grid.block.x * grid.block.y,
            packed: entry.packed,
            table: entry.table,
            room: entry.room,
            output: labels + cell.firstVoxel * MemoryLayout<Label>.size,
            outputRow: grid.chunk.x * MemoryLayout<Label>.size,
            outputPlane: grid.chunk.x * grid.chunk.y * MemoryLayout<Label>.size
        )
        let highest = block.unpack(entry.bits)
        guard highest < entry.room else {
            throw .segmentation(.tableIndex(highest, block: cell.index, values: entry.room))
        }
    }
}
