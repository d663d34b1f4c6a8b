// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// The labels of one block after another: which there are, and which one each voxel has.
///
/// Few labels, nearly always so, are looked for one by one. Beyond ``fewest`` they are sorted and looked for by
/// halves: slower on average than hashing, but no choice of labels makes it slow. Few labels in rows of eight voxels
/// are ``LabelRows``'.
struct BlockLabels<Label: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>: ~Copyable {
    /// Most labels that are looked for one by one.
    private static var fewest: Int { LabelRows<Label>.fewest }

    private let grid: BlockGrid
    /// Room for a label, and an index, for each voxel of a block that lies in the chunk.
    private let values: UnsafeMutablePointer<Label>
    private let indices: UnsafeMutablePointer<UInt32>
    /// Distinct labels of the last block, at the front of `values`.
    private var count = 0
    private var extent = Extent3(repeating: 0)
    /// Labels from row to row, and from plane to plane, of what is read.
    private var rowPitch: Int
    private var planePitch: Int
    private var rows: LabelRows<Label>
    /// Whether the indices of the last block are in `rows`, and not in `indices`.
    private var isInRows = false

    init(_ grid: BlockGrid) {
        self.grid = grid
        let first = grid.cell(0, 0, 0).extent
        let capacity = first.x * first.y * first.z
        values = .allocate(capacity: max(capacity, Self.fewest))
        indices = .allocate(capacity: capacity)
        rows = LabelRows(grid)
        rowPitch = grid.chunk.x
        planePitch = grid.chunk.x * grid.chunk.y
    }

    deinit {
        values.deallocate()
        indices.deallocate()
    }

    /// The distinct labels of the block. Lent until the next one is read.
    var ascending: UnsafeBufferPointer<Label> { UnsafeBufferPointer(start: values, count: count) }

    /// Bits of an index: the fewest of 0, 1, 2, 4, 8, 16, 32 that can name each label.
    var bits: Int {
        guard count > 1 else { return 0 }
        var bits = 1
        // A block has at most 2^24 voxels, so this ends at 32.
        while 1 << bits < count { bits *= 2 }
        return bits
    }

    /// Finds the labels of a block, and which of them each voxel has.
    mutating func read(_ cell: BlockGrid.Cell, of channel: UnsafeRawPointer) {
        extent = cell.extent
        let corner = channel + cell.firstVoxel * MemoryLayout<Label>.size
        isInRows = false
        if LabelRows<Label>.hasRows(cell, of: grid) {
            count = rows.read(corner, extent, into: values)
            isInRows = count > 0
            if !isInRows { readMany(corner) }
        } else if isUniform(corner) {
            values[0] = Self.label(corner, 0)
            count = 1
        } else if !readFew(corner) {
            readMany(corner)
        }
    }

    /// Finds the labels of a whole block of 8 x 8 x 8 that is here in pieces.
    mutating func read(_ cell: BlockGrid.Cell, of reduced: ReducedLabels, _ position: BlockPosition) {
        extent = cell.extent
        count = rows.read(extent, of: reduced, position, into: values)
        isInRows = count > 0
        guard !isInRows else { return }
        // Many labels are found among voxels.
        let voxels = extent.x * extent.y * extent.z
        withUnsafeTemporaryAllocation(of: Label.self, capacity: voxels) { block in
            guard let corner = block.baseAddress else { return }
            reduced.write(position, to: corner)
            (rowPitch, planePitch) = (extent.x, extent.x * extent.y)
            readMany(UnsafeRawPointer(corner))
            (rowPitch, planePitch) = (grid.chunk.x, grid.chunk.x * grid.chunk.y)
        }
    }

    private func row(_ corner: UnsafeRawPointer, _ y: Int, _ z: Int) -> UnsafeRawPointer {
        corner + (y * rowPitch + z * planePitch) * MemoryLayout<Label>.size
    }

    @inline(__always)
    private static func label(_ row: UnsafeRawPointer, _ x: Int) -> Label {
        row.loadUnaligned(fromByteOffset: x &* MemoryLayout<Label>.size, as: Label.self)
    }

    private func isUniform(_ corner: UnsafeRawPointer) -> Bool {
        let first = Self.label(corner, 0)
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                let row = self.row(corner, y, z)
                var difference: Label = 0
                for x in 0..<extent.x { difference |= Self.label(row, x) ^ first }
                if difference != 0 { return false }
            }
        }
        return true
    }

    /// False, and nothing is known, if there are more than ``fewest``.
    private mutating func readFew(_ corner: UnsafeRawPointer) -> Bool {
        var found = 0
        var voxel = 0
        // No label is met before the first one is written.
        var last = ~Self.label(corner, 0)
        var lastIndex: UInt32 = 0
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                let row = self.row(corner, y, z)
                for x in 0..<extent.x {
                    let label = Self.label(row, x)
                    if label != last {
                        var index = 0
                        while index < found, values[index] != label { index &+= 1 }
                        if index == found {
                            guard found < Self.fewest else { return false }
                            values[found] = label
                            found &+= 1
                        }
                        last = label
                        lastIndex = UInt32(truncatingIfNeeded: index)
                    }
                    indices[voxel] = lastIndex
                    voxel &+= 1
                }
            }
        }
        count = found
        sortValues()
        return true
    }

    /// Brings few labels in order, and the voxels' indices with them.
    private func sortValues() {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { buffer in
            guard let ranks = buffer.baseAddress else { return }
            sortFew(values, count: count, ranks: ranks)
            let voxels = extent.x * extent.y * extent.z
            for voxel in 0..<voxels { indices[voxel] = ranks[Int(indices[voxel])] }
        }
    }

    private mutating func readMany(_ corner: UnsafeRawPointer) {
        var runs = 0
        var last = ~Self.label(corner, 0)
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                let row = self.row(corner, y, z)
                for x in 0..<extent.x {
                    let label = Self.label(row, x)
                    if label != last {
                        values[runs] = label
                        runs &+= 1
                        last = label
                    }
                }
            }
        }
        var sorted = UnsafeMutableBufferPointer(start: values, count: runs)
        sorted.sort()
        count = 0
        for run in 0..<runs where count == 0 || values[count - 1] != values[run] {
            values[count] = values[run]
            count += 1
        }
        findMany(corner)
    }

    private func findMany(_ corner: UnsafeRawPointer) {
        var voxel = 0
        var index = 0
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                let row = self.row(corner, y, z)
                for x in 0..<extent.x {
                    let label = Self.label(row, x)
                    if values[index] != label { index = self.index(of: label) }
                    indices[voxel] = UInt32(truncatingIfNeeded: index)
                    voxel &+= 1
                }
            }
        }
    }

    /// The index of a label that is there. Each step selects and does not branch, since in noise no branch could be
    /// foreseen.
    private func index(of label: Label) -> Int {
        var first = 0
        var length = count
        while length > 1 {
            let half = length / 2
            first = values[first &+ half] <= label ? first &+ half : first
            length &-= half
        }
        return first
    }

    /// Writes the indices of the last block into words that are 0 and enough for a whole block.
    func pack(_ bits: Int, into words: UnsafeMutablePointer<UInt32>) {
        if isInRows { return rows.pack(bits, into: words) }
        var voxel = 0
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                let bit = (z * grid.block.y + y) * grid.block.x * bits
                var word = bit / 32
                var shift = UInt32(bit % 32)
                var filled: UInt32 = 0
                for _ in 0..<extent.x {
                    filled |= indices[voxel] &<< shift
                    voxel &+= 1
                    shift &+= UInt32(truncatingIfNeeded: bits)
                    if shift == 32 {
                        words[word] |= filled.littleEndian
                        word &+= 1
                        shift = 0
                        filled = 0
                    }
                }
                if filled != 0 { words[word] |= filled.littleEndian }
            }
        }
    }
}
