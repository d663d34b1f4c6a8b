// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Writes compressed_segmentation; the format is drawn at ``SegmentationDecoder``.
///
/// Free choices are made as TensorStore makes them, so that the bytes are the same: each block's packed indices,
/// then its table; tables ascend, and blocks of equal tables share the first one; indices are as narrow as can be;
/// what lies outside of the chunk has index 0 and no label.
struct SegmentationEncoder<Label: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>: ~Copyable {
    /// Offsets have 24 bits.
    private static var offsetEnd: Int { 1 << 24 }

    private let grid: BlockGrid
    private var words = WordBuffer()
    private var labels: BlockLabels<Label>
    /// Where the tables of this channel are: of one label, and of more.
    private var single: [Label: Int] = [:]
    private var tables: [[Label]: Int] = [:]

    private init(_ grid: BlockGrid) {
        self.grid = grid
        labels = BlockLabels(grid)
    }

    /// Returns the bytes of a chunk; `voxels` are the labels of all channels.
    static func encode(
        _ voxels: UnsafeRawBufferPointer,
        channels: Int,
        grid: BlockGrid
    ) throws(ChunkCodecError) -> [UInt8] {
        guard let base = voxels.baseAddress else { preconditionFailure("a chunk has voxels") }
        let channelBytes = grid.chunkVoxels * MemoryLayout<Label>.size
        return try encode(channels, grid) { .voxels(base + $0 * channelBytes) }
    }

    /// Returns the bytes of a chunk that is here in pieces.
    static func encode(
        _ reduced: ReducedLabels,
        channels: Int,
        grid: BlockGrid
    ) throws(ChunkCodecError) -> [UInt8] {
        try encode(channels, grid) { .pieces(reduced, channel: $0) }
    }

    /// Where the labels of a channel are.
    private enum Source {
        case voxels(UnsafeRawPointer)
        case pieces(ReducedLabels, channel: Int)
    }

    private static func encode(_ channels: Int, _ grid: BlockGrid, _ source: (Int) -> Source)
        throws(ChunkCodecError) -> [UInt8]
    {
        var encoder = SegmentationEncoder(grid)
        _ = encoder.words.append(zeros: channels)
        for channel in 0..<channels {
            guard let offset = UInt32(exactly: encoder.words.count) else {
                throw .segmentation(.tooLarge(channel: channel))
            }
            encoder.words.base[channel] = offset.littleEndian
            guard encoder.append(source(channel)) else { throw .segmentation(.tooLarge(channel: channel)) }
        }
        return encoder.words.bytes
    }

    /// Appends a channel; false if an offset is too large.
    private mutating func append(_ source: Source) -> Bool {
        single.removeAll(keepingCapacity: true)
        tables.removeAll(keepingCapacity: true)
        guard 2 * grid.blockCount < Self.offsetEnd else { return false }
        let start = words.count
        _ = words.append(zeros: 2 * grid.blockCount)
        for k in 0..<grid.counts.z {
            for j in 0..<grid.counts.y {
                for i in 0..<grid.counts.x {
                    let cell = grid.cell(i, j, k)
                    switch source {
                    case .voxels(let voxels): labels.read(cell, of: voxels)
                    case .pieces(let reduced, let channel):
                        labels.read(cell, of: reduced, BlockPosition(i: i, j: j, k: k, channel: channel))
                    }
                    guard append(block: cell.index, channelStart: start) else { return false }
                }
            }
        }
        return true
    }

    /// Appends the block whose labels were read.
    private mutating func append(block: Int, channelStart: Int) -> Bool {
        let bits = labels.bits
        let packedOffset = words.count - channelStart
        if bits > 0 {
            labels.pack(bits, into: words.append(zeros: (bits * grid.blockVoxels + 31) / 32))
        }
        let tableOffset = table(channelStart)
        guard packedOffset < Self.offsetEnd, tableOffset < Self.offsetEnd else { return false }
        let header = words.base + (channelStart + 2 * block)
        header[0] = UInt32(tableOffset | bits << 24).littleEndian
        header[1] = UInt32(packedOffset).littleEndian
        return true
    }

    /// Where the table of the labels that were read lies, which is appended if it is new.
    private mutating func table(_ channelStart: Int) -> Int {
        let offset = words.count - channelStart
        if labels.bits == 0 {
            let label = labels.ascending[0]
            if let known = single[label] { return known }
            single[label] = offset
        } else {
            let key = Array(labels.ascending)
            if let known = tables[key] { return known }
            tables[key] = offset
        }
        let values = labels.ascending
        let table = UnsafeMutableRawPointer(
            words.append(zeros: values.count * MemoryLayout<Label>.size / MemoryLayout<UInt32>.size)
        )
        for (index, label) in values.enumerated() {
            table.storeBytes(
                of: label.littleEndian,
                toByteOffset: index * MemoryLayout<Label>.size,
                as: Label.self
            )
        }
        return offset
    }
}
