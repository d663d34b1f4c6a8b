// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Blocks of 8 x 8 x 8 voxels on their way to being reduced, each voxel a byte: the rank of its label among those of
/// its block's table.
///
/// Equal labels have equal ranks, smaller labels smaller ones; and where ``init(factor:keepsZero:)`` was told so, label
/// 0 has rank 0 and no other label has.
///
/// Boxes lie one after another along x, so that all blocks are one array of so many boxes' voxels along x, a box's
/// along y and a box's along z.
struct RankBatch: ~Copyable {
    static let blockLimit = 16
    private static let labelLimit = 256
    private static let blockVoxels = 512

    /// Boxes of a block.
    let boxCount: Int
    private let keepsZero: Bool
    /// The whole array; always initialized.
    private let ranks: UnsafeMutablePointer<UInt8>
    /// Where the rows of a block's voxels go, for each of the first block.
    private let places: UnsafeMutablePointer<Int>
    /// From block to block along a row.
    private let blockPitch: Int
    /// `labelLimit` labels of each block; as many as `counts` says are initialized and ascend.
    private let labels: UnsafeMutablePointer<UInt64>
    /// What was made: `boxCount` ranks of each block; always initialized.
    private let reduced: UnsafeMutablePointer<UInt8>
    private var counts: [Int] = []

    /// Axes of `factor` are 1 or 2.
    init(factor: Extent3, keepsZero: Bool) {
        let boxVoxels = factor.x * factor.y * factor.z
        boxCount = Self.blockVoxels / boxVoxels
        self.keepsZero = keepsZero
        let byteCount = Self.blockLimit * Self.blockVoxels
        ranks = .allocate(capacity: byteCount)
        ranks.initialize(repeating: 0, count: byteCount)
        places = .allocate(capacity: BlockIndices.rowCount)
        labels = .allocate(capacity: Self.blockLimit * Self.labelLimit)
        reduced = .allocate(capacity: Self.blockLimit * boxCount)
        reduced.initialize(repeating: 0, count: Self.blockLimit * boxCount)
        blockPitch = boxCount * factor.x
        let (side, row) = (BlockIndices.side, Self.blockLimit * blockPitch)
        for z in 0..<side {
            for y in 0..<side {
                let inBox = y % factor.y + factor.y * (z % factor.z)
                let box = y / factor.y + side / factor.y * (z / factor.z)
                (places + y + side * z).initialize(to: inBox * row + box * side)
            }
        }
        counts.reserveCapacity(Self.blockLimit)
    }

    deinit {
        ranks.deallocate()
        places.deallocate()
        labels.deallocate()
        reduced.deallocate()
    }

    /// Blocks that are in it.
    var count: Int { counts.count }
    var isFull: Bool { counts.count == Self.blockLimit }

    mutating func removeAll() { counts.removeAll(keepingCapacity: true) }

    /// What came of a block.
    enum Addition {
        case added
        /// Ranks of its labels are no bytes.
        case unsuitable
        /// This index is met, which is beyond the table.
        case beyondTable(Int)
    }

    /// Adds a block whose indices have 1 to 8 bits and whose labels have so many words; there is room for it.
    mutating func add(_ entry: SegmentationChannel.Entry, labelWords: Int) -> Addition {
        precondition(!isFull && (1...8).contains(entry.bits), "a block that fits")
        let indices = BlockIndices(
            packed: entry.packed,
            places: places,
            output: UnsafeMutableRawPointer(ranks + count * blockPitch)
        )
        let highest = indices.unpack(entry.bits)
        guard highest < entry.room else { return .beyondTable(highest) }
        let table = labels + count * Self.labelLimit
        var ascends = true
        var last: UInt64 = 0
        for index in 0...highest {
            let label = entry.label(index, labelWords)
            if index > 0, label <= last { ascends = false }
            (table + index).initialize(to: label)
            last = label
        }
        counts.append(highest + 1)
        if !ascends { sort(indices) }
        return keepZero(indices)
    }

    /// Gives the ranks to `reduce`, and the labels and the reduced ranks of each block to `take`.
    func reduce(
        _ reduce: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void,
        _ take: (Int, UnsafeBufferPointer<UInt64>, UnsafeBufferPointer<UInt8>) -> Void
    ) {
        reduce(
            UnsafeRawBufferPointer(start: ranks, count: Self.blockLimit * Self.blockVoxels),
            UnsafeMutableRawBufferPointer(start: reduced, count: Self.blockLimit * boxCount)
        )
        for block in 0..<count {
            take(
                block,
                UnsafeBufferPointer(start: labels + block * Self.labelLimit, count: counts[block]),
                UnsafeBufferPointer(start: reduced + block * boxCount, count: boxCount)
            )
        }
    }

    /// Brings the labels of the last block in order, each once.
    private mutating func sort(_ indices: BlockIndices) {
        let found = counts[count - 1]
        let table = labels + (count - 1) * Self.labelLimit
        let unsorted = Array(UnsafeBufferPointer(start: table, count: found))
        var sorted = unsorted.sorted()
        var distinct = 1
        for index in 1..<found where sorted[index] != sorted[distinct - 1] {
            sorted[distinct] = sorted[index]
            distinct += 1
        }
        for index in 0..<distinct { table[index] = sorted[index] }
        let ranks = unsorted.map { label in
            var (low, high) = (0, distinct - 1)
            while low < high {
                let middle = (low + high) / 2
                if table[middle] < label { low = middle + 1 } else { high = middle }
            }
            return UInt8(truncatingIfNeeded: low)
        }
        ranks.withUnsafeBufferPointer { ranks in
            if let ranks = ranks.baseAddress { indices.replace(ranks) }
        }
        counts[count - 1] = distinct
    }

    /// Sees to it that rank 0 of the last block is label 0's, if anybody asks.
    private mutating func keepZero(_ indices: BlockIndices) -> Addition {
        let found = counts[count - 1]
        let table = labels + (count - 1) * Self.labelLimit
        guard keepsZero, table[0] != 0 else { return .added }
        guard found < Self.labelLimit else {
            counts.removeLast()
            return .unsuitable
        }
        (table + 1).update(from: table, count: found)
        table[0] = 0
        indices.increment()
        counts[count - 1] = found + 1
        return .added
    }
}

extension SegmentationChannel.Entry {
    /// A label of the table, by an index below `room`, of 1 or 2 words.
    @inline(__always)
    func label(_ index: Int, _ words: Int) -> UInt64 {
        guard words == 2 else {
            return UInt64(
                UInt32(littleEndian: table.loadUnaligned(fromByteOffset: 4 &* index, as: UInt32.self))
            )
        }
        return UInt64(littleEndian: table.loadUnaligned(fromByteOffset: 8 &* index, as: UInt64.self))
    }
}
