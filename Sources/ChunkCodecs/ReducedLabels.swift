// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// A chunk of compressed_segmentation that is made of others, without their voxels: blocks are unpacked to the ranks of
/// their labels, reduced as such, and put together to blocks again.
///
/// A block of labels is a table of few and some bits a voxel, and so is what is made of it, which is called a piece
/// here. The labels of a block that is written are those of its pieces, which are four or eight, and not those of its
/// 512 voxels. Nothing of it is larger than the voxels would be.
///
/// Blocks are 8 x 8 x 8 and whole. See ``init(from:to:factor:extent:keepsZero:)``.
package struct ReducedLabels: Sendable {
    /// Labels of a piece that are looked for one by one.
    static let fewLabels = 8

    /// Boxes of the batches that ``take(_:extent:at:reduce:)`` has reduced.
    package let batchBoxCount: Int

    private let source: ChunkFormat
    private let target: ChunkFormat
    let factor: Extent3
    private let extent: Extent3
    private let keepsZero: Bool
    /// Voxels of a piece along each axis.
    let piece: Extent3
    /// Pieces along each axis.
    private let counts: Extent3
    /// x fastest, then y, z, and the channel slowest. What nothing was made of is of zeros.
    private(set) var pieces: [Piece]
    private(set) var mixtures: [Mixture] = []
    /// For each mixture its ranks, as many as a piece has voxels.
    private(set) var ranks: [UInt8] = []
    private(set) var labels: [UInt64] = []
    /// The rank of each of `labels` in its mixture.
    private(set) var labelRanks: [UInt8] = []

    enum Piece {
        case uniform(UInt64)
        /// By its place in `mixtures`.
        case mixed(Int)
    }

    /// Two labels or more, ascending, as are their ranks.
    struct Mixture {
        let firstLabel: Int
        let labelCount: Int
        /// Whether ranks are 0 and 1 alone.
        let isPair: Bool
    }

    /// Begins a chunk of zeros; nil where blocks do not go into each other.
    ///
    /// - Parameters:
    ///   - source: Of the chunks that it is made of.
    ///   - target: Of the chunk itself; as `source` but for the size of blocks.
    ///   - factor: Source voxels to a voxel; along each axis 1 or 2.
    ///   - extent: Of the chunk; blocks along each axis are whole.
    ///   - keepsZero: Whether label 0 is told from others while it is reduced.
    package init?(
        from source: ChunkFormat,
        to target: ChunkFormat,
        factor: Extent3,
        extent: Extent3,
        keepsZero: Bool
    ) {
        let block = Extent3(repeating: BlockIndices.side)
        guard
            [source, target].allSatisfy({ $0.encoding == .compressedSegmentation && $0.blockExtent == block }
            ),
            source.type == target.type, source.channels == target.channels,
            factor.entries.allSatisfy({ $0 == 1 || $0 == 2 }),
            target.voxelByteCount(extent) != nil, Self.hasWholeBlocks(extent)
        else { return nil }
        self.source = source
        self.target = target
        self.factor = factor
        self.extent = extent
        self.keepsZero = keepsZero
        piece = Extent3(block.x / factor.x, block.y / factor.y, block.z / factor.z)
        counts = Extent3(extent.x / piece.x, extent.y / piece.y, extent.z / piece.z)
        pieces = Array(
            repeating: .uniform(0),
            count: counts.x * counts.y * counts.z * source.channels
        )
        batchBoxCount = RankBatch.blockLimit * piece.x * piece.y * piece.z
    }

    /// Whether a chunk is made of whole blocks.
    package static func hasWholeBlocks(_ extent: Extent3) -> Bool {
        extent.entries.allSatisfy { $0 > 0 && $0 % BlockIndices.side == 0 }
    }

    /// Puts what is made of a chunk where it belongs.
    ///
    /// - Parameters:
    ///   - bytes: The chunk, as it is encoded.
    ///   - extent: Its voxels; blocks along each axis are whole.
    ///   - corner: Where the first voxel that is made of it lies, from that of this chunk; a multiple of
    ///     `8 / factor`. All that is made of it lies in this chunk.
    ///   - reduce: Makes a byte each of `batchBoxCount` boxes, given as an array of `batchBoxCount` times the factor
    ///     along x, the factor along y, and along z; x fastest.
    /// - Returns: False for a chunk that only its voxels can be made of; then a part of it may have been taken.
    /// - Throws: ``ChunkCodecError/segmentation(_:)``, as ``ChunkFormat/decode(_:extent:into:)``.
    package mutating func take(
        _ bytes: UnsafeRawBufferPointer,
        extent: Extent3,
        at corner: Extent3,
        reduce: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void
    ) throws(ChunkCodecError) -> Bool {
        precondition(Self.hasWholeBlocks(extent), "whole blocks")
        let grid = BlockGrid(chunk: extent, block: source.blockExtent)
        let first = Extent3(corner.x / piece.x, corner.y / piece.y, corner.z / piece.z)
        let labelWords = source.type == .uint32 ? 1 : 2
        var batch = RankBatch(factor: factor, keepsZero: keepsZero)
        var places: [Int] = []
        for number in 0..<source.channels {
            let channel = try SegmentationChannel(
                number,
                of: source.channels,
                bytes,
                grid: grid,
                labelWords: labelWords
            )
            var block = 0
            for k in 0..<grid.counts.z {
                for j in 0..<grid.counts.y {
                    var place = place(first.x, first.y + j, first.z + k, number)
                    for _ in 0..<grid.counts.x {
                        let entry = try channel.entry(block)
                        if entry.bits == 0 {
                            pieces[place] = .uniform(entry.label(0, labelWords))
                        } else if entry.bits > 8 {
                            return false
                        } else {
                            switch batch.add(entry, labelWords: labelWords) {
                            case .added: places.append(place)
                            case .unsuitable: return false
                            case .beyondTable(let index):
                                throw .segmentation(
                                    .tableIndex(index, block: block, values: entry.room)
                                )
                            }
                            if batch.isFull { settle(&batch, &places, reduce) }
                        }
                        block += 1
                        place += 1
                    }
                }
            }
        }
        if batch.count > 0 { settle(&batch, &places, reduce) }
        return true
    }

    /// Returns the bytes of the chunk, as ``ChunkFormat/encode(_:extent:)`` makes them of its voxels.
    ///
    /// - Throws: ``ChunkCodecError/segmentation(_:)`` if it is too large for its encoding.
    package func encoded() throws(ChunkCodecError) -> [UInt8] {
        let grid = BlockGrid(chunk: extent, block: target.blockExtent)
        guard target.type == .uint32 else {
            return try SegmentationEncoder<UInt64>.encode(self, channels: target.channels, grid: grid)
        }
        return try SegmentationEncoder<UInt32>.encode(self, channels: target.channels, grid: grid)
    }

    /// Writes the voxels of the chunk as ``ChunkFormat/decode(_:extent:into:)`` leaves them; there is room for exactly
    /// these.
    package func write(to voxels: UnsafeMutableRawBufferPointer) {
        precondition(voxels.count == target.voxelByteCount(extent), "room for exactly the voxels")
        guard let base = voxels.baseAddress else { return }
        let width = target.type.byteWidth
        let channelBytes = extent.x * extent.y * extent.z * width
        for channel in 0..<target.channels {
            for k in 0..<counts.z {
                for j in 0..<counts.y {
                    for i in 0..<counts.x {
                        let row = (i * piece.x + extent.x * (j * piece.y + extent.y * k * piece.z)) * width
                        let corner = base + (channel * channelBytes + row)
                        if width == 4 {
                            write(
                                place(i, j, k, channel),
                                to: corner,
                                row: extent.x,
                                rows: extent.y,
                                UInt32.self
                            )
                        } else {
                            write(
                                place(i, j, k, channel),
                                to: corner,
                                row: extent.x,
                                rows: extent.y,
                                UInt64.self
                            )
                        }
                    }
                }
            }
        }
    }

    func place(_ i: Int, _ j: Int, _ k: Int, _ channel: Int) -> Int {
        i + counts.x * (j + counts.y * (k + counts.z * channel))
    }

    // MARK: What was reduced

    private mutating func settle(
        _ batch: inout RankBatch,
        _ places: inout [Int],
        _ reduce: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void
    ) {
        batch.reduce(reduce) { block, labels, ranks in settle(places[block], labels, ranks) }
        batch.removeAll()
        places.removeAll(keepingCapacity: true)
    }

    /// Keeps a piece with those of its labels that are left.
    private mutating func settle(
        _ place: Int,
        _ table: UnsafeBufferPointer<UInt64>,
        _ reduced: UnsafeBufferPointer<UInt8>
    ) {
        let first = reduced[0]
        var differences: UInt8 = 0
        for rank in reduced { differences |= rank ^ first }
        if differences == 0 {
            pieces[place] = .uniform(table[Int(first)])
            return
        }
        pieces[place] = .mixed(mixtures.count)
        let firstLabel = labels.count
        ranks.append(contentsOf: reduced)
        let isPair = table.count == 2
        if isPair {
            labels.append(table[0])
            labels.append(table[1])
            labelRanks.append(0)
            labelRanks.append(1)
        } else {
            appendLabels(of: table, in: reduced)
        }
        mixtures.append(
            Mixture(firstLabel: firstLabel, labelCount: labels.count - firstLabel, isPair: isPair)
        )
    }

    /// Appends those labels of a table that are left.
    private mutating func appendLabels(
        of table: UnsafeBufferPointer<UInt64>,
        in reduced: UnsafeBufferPointer<UInt8>
    ) {
        withUnsafeTemporaryAllocation(of: Bool.self, capacity: 256) { isLeft in
            guard let isLeft = isLeft.baseAddress, let ranks = reduced.baseAddress else { return }
            isLeft.initialize(repeating: false, count: 256)
            for voxel in 0..<reduced.count { isLeft[Int(ranks[voxel])] = true }
            for rank in 0..<table.count where isLeft[rank] {
                labels.append(table[rank])
                labelRanks.append(UInt8(truncatingIfNeeded: rank))
            }
        }
    }

    func write<Label: FixedWidthInteger & BitwiseCopyable>(
        _ place: Int,
        to corner: UnsafeMutableRawPointer,
        row: Int,
        rows: Int,
        _: Label.Type
    ) {
        for z in 0..<piece.z {
            for y in 0..<piece.y {
                for x in 0..<piece.x {
                    let label = label(place, x + piece.x * (y + piece.y * z))
                    corner.storeBytes(
                        of: Label(truncatingIfNeeded: label),
                        toByteOffset: (x + row * (y + rows * z)) * MemoryLayout<Label>.size,
                        as: Label.self
                    )
                }
            }
        }
    }

    private func label(_ place: Int, _ voxel: Int) -> UInt64 {
        switch pieces[place] {
        case .uniform(let label): return label
        case .mixed(let number):
            let rank = ranks[number * piece.x * piece.y * piece.z + voxel]
            let mixture = mixtures[number]
            for index in mixture.firstLabel..<mixture.firstLabel + mixture.labelCount
            where labelRanks[index] == rank { return labels[index] }
            preconditionFailure("each rank of a piece has a label")
        }
    }
}
