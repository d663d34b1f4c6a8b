// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// The labels of one block after another, where rows are of eight voxels and labels are few: which there are, and
/// which one each voxel has.
///
/// Neighbours are mostly equal. A row like the one before costs one comparison; one of two labels costs no branch.
/// The indices of a row are the bytes of one number, the first voxel's the lowest, so that a row is copied, and
/// packed, as a whole.
struct LabelRows<Label: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>: ~Copyable {
    /// Most labels of a block.
    static var fewest: Int { 16 }
    private static var everyByte: UInt64 { 0x0101_0101_0101_0101 }

    private let grid: BlockGrid
    /// Room for each row of a block that lies in the chunk; those of the last block are initialized.
    private let rows: UnsafeMutablePointer<UInt64>
    /// ``fewest`` places: where each label, in the order of ``rows``, is when they ascend.
    private let ranks: UnsafeMutablePointer<UInt64>
    /// Whether the labels ascended as they were found, and `ranks` means nothing.
    private var isInOrder = true
    private var extent = Extent3(repeating: 0)

    init(_ grid: BlockGrid) {
        self.grid = grid
        let first = grid.cell(0, 0, 0).extent
        rows = .allocate(capacity: first.y * first.z)
        ranks = .allocate(capacity: Self.fewest)
    }

    deinit {
        rows.deallocate()
        ranks.deallocate()
    }

    /// Whether ``read(_:_:into:)`` can have this block.
    static func hasRows(_ cell: BlockGrid.Cell, of grid: BlockGrid) -> Bool {
        grid.block.x == 8 && cell.extent.x == 8
    }

    /// Puts the distinct labels of the block at `corner` into `values`, ascending, and returns how many there are.
    ///
    /// `values` has room for ``fewest``. If there are more, 0 is returned and nothing is known.
    mutating func read(
        _ corner: UnsafeRawPointer,
        _ extent: Extent3,
        into values: UnsafeMutablePointer<Label>
    ) -> Int {
        self.extent = extent
        values[0] = Self.label(corner, 0)
        var found = 1
        var rowNumber = 0
        var indices: UInt64 = 0
        // The first row has none before it.
        var above = corner
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                let row = corner + (y + z * grid.chunk.y) * grid.chunk.x * MemoryLayout<Label>.size
                if rowNumber == 0 || Self.differ(row, above) {
                    guard let word = Self.indices(of: row, in: values, &found) else { return 0 }
                    indices = word
                }
                above = row
                rows[rowNumber] = indices
                rowNumber &+= 1
            }
        }
        sort(values, found)
        return found
    }

    /// The same for a block that is here in pieces, which has 8 x 8 x 8 voxels.
    mutating func read(
        _ extent: Extent3,
        of reduced: ReducedLabels,
        _ position: BlockPosition,
        into values: UnsafeMutablePointer<Label>
    ) -> Int {
        self.extent = extent
        // Indices come as those of labels that ascend.
        isInOrder = true
        return reduced.gather(position, into: values, limit: Self.fewest, rows: rows)
    }

    /// Writes the indices of the last block, of `bits` bits, 1, 2 or 4, into words that are 0 and enough for a whole
    /// block.
    func pack(_ bits: Int, into words: UnsafeMutablePointer<UInt32>) {
        let bytes = UnsafeMutableRawPointer(words)
        if isInOrder, extent.y == grid.block.y {
            // Rows follow each other. The width is a constant in each loop, so that those of 2 and 4 are of vectors.
            let rowCount = extent.y * extent.z
            switch bits {
            case 1: return packRows(rowCount, into: bytes, UInt8.self) { Self.joined($0, 1) }
            case 2: return packRows(rowCount, into: bytes, UInt16.self) { Self.joined($0, 2) }
            default: return packRows(rowCount, into: bytes, UInt32.self) { Self.joined($0, 4) }
            }
        }
        var rowNumber = 0
        var last: UInt64 = 0
        var packed = squeezed(last, bits)
        for z in 0..<extent.z {
            // A row is eight indices, so as many bytes as an index has bits.
            var place = bytes + z * grid.block.y * bits
            for _ in 0..<extent.y {
                let indices = rows[rowNumber]
                rowNumber &+= 1
                if indices != last {
                    last = indices
                    packed = squeezed(indices, bits)
                }
                switch bits {
                case 1: place.storeBytes(of: UInt8(truncatingIfNeeded: packed), as: UInt8.self)
                case 2: place.storeBytes(of: UInt16(truncatingIfNeeded: packed).littleEndian, as: UInt16.self)
                default:
                    place.storeBytes(of: UInt32(truncatingIfNeeded: packed).littleEndian, as: UInt32.self)
                }
                place += bits
            }
        }
    }

    /// Writes so many rows, each as one number, which `pack` makes of its indices.
    @inline(__always)
    private func packRows<Row: FixedWidthInteger & BitwiseCopyable>(
        _ rowCount: Int,
        into bytes: UnsafeMutableRawPointer,
        _: Row.Type,
        _ pack: (UInt64) -> UInt64
    ) {
        for row in 0..<rowCount {
            let packed = Row(truncatingIfNeeded: pack(rows[row]))
            bytes.storeBytes(
                of: packed.littleEndian,
                toByteOffset: row &* MemoryLayout<Row>.size,
                as: Row.self
            )
        }
    }

    @inline(__always)
    private static func label(_ row: UnsafeRawPointer, _ x: Int) -> Label {
        row.loadUnaligned(fromByteOffset: x &* MemoryLayout<Label>.size, as: Label.self)
    }

    @inline(__always)
    private static func differ(_ row: UnsafeRawPointer, _ other: UnsafeRawPointer) -> Bool {
        for x in 0..<8 where label(row, x) != label(other, x) { return true }
        return false
    }

    /// Eight bytes: 1 where the row has the label.
    @inline(__always)
    private static func matches(_ row: UnsafeRawPointer, _ label: Label) -> UInt64 {
        let low = match(row, label, 0) | match(row, label, 1) | match(row, label, 2) | match(row, label, 3)
        let high = match(row, label, 4) | match(row, label, 5) | match(row, label, 6) | match(row, label, 7)
        return low | high
    }

    @inline(__always)
    private static func match(_ row: UnsafeRawPointer, _ label: Label, _ x: Int) -> UInt64 {
        let isEqual: UInt64 = Self.label(row, x) == label ? 1 : 0
        return isEqual &<< UInt64(truncatingIfNeeded: 8 &* x)
    }

    /// The indices of eight labels; new ones are appended to `values`. Nil if there are more than ``fewest``.
    ///
    /// Where a border lies nobody can foresee, so a row of its first and its last label, which nearly all are, is
    /// told by arithmetic.
    @inline(__always)
    private static func indices(
        of row: UnsafeRawPointer,
        in values: UnsafeMutablePointer<Label>,
        _ found: inout Int
    ) -> UInt64? {
        let first = label(row, 0)
        let last = label(row, 7)
        // Voxels that have the last label.
        let lasts = matches(row, last)
        guard let firstIndex = index(of: first, in: values, &found) else { return nil }
        if lasts | matches(row, first) == everyByte {
            guard let lastIndex = index(of: last, in: values, &found) else { return nil }
            return firstIndex &* everyByte ^ lasts &* (firstIndex ^ lastIndex)
        }
        var indices = firstIndex
        for x in 1..<8 {
            guard let index = index(of: label(row, x), in: values, &found) else { return nil }
            indices |= index &<< UInt64(truncatingIfNeeded: 8 &* x)
        }
        return indices
    }

    /// Looks at each of `values`, as many for every voxel: a search that ends early is one that cannot be foreseen.
    @inline(__always)
    private static func index(
        of label: Label,
        in values: UnsafeMutablePointer<Label>,
        _ found: inout Int
    ) -> UInt64? {
        var index = found
        for known in 0..<found { index = values[known] == label ? known : index }
        if index == found {
            guard found < fewest else { return nil }
            values[found] = label
            found &+= 1
        }
        return UInt64(truncatingIfNeeded: index)
    }

    private mutating func sort(_ values: UnsafeMutablePointer<Label>, _ count: Int) {
        isInOrder = true
        for index in 1..<max(1, count) where values[index - 1] > values[index] { isInOrder = false }
        if !isInOrder { sortFew(values, count: count, ranks: ranks) }
    }

    /// Eight bytes, each below 2^`bits`, as eight indices of `bits` bits one after another, with their ranks for them.
    private func squeezed(_ indices: UInt64, _ bits: Int) -> UInt64 {
        var word = indices
        if !isInOrder {
            word = 0
            for x in 0..<8 {
                let index = indices >> UInt64(8 &* x) & 0xFF
                word |= ranks[Int(truncatingIfNeeded: index)] &<< UInt64(8 &* x)
            }
        }
        return Self.joined(word, bits)
    }

    /// Eight bytes, each below 2^`bits`, as eight numbers of `bits` bits one after another.
    @inline(__always)
    private static func joined(_ bytes: UInt64, _ bits: Int) -> UInt64 {
        var word = bytes
        // Neighbours are brought together in pairs, fours and eights.
        switch bits {
        case 1:
            // Byte x is added up at bit 56 + x, and nothing is carried into there.
            return (word &* 0x0102_0408_1020_4080) &>> 56
        case 2:
            word = (word | word &>> 6) & 0x000F_000F_000F_000F
            word = (word | word &>> 12) & 0x0000_00FF_0000_00FF
            return (word | word &>> 24) & 0xFFFF
        default:
            word = (word | word &>> 4) & 0x00FF_00FF_00FF_00FF
            word = (word | word &>> 8) & 0x0000_FFFF_0000_FFFF
            return (word | word &>> 16) & 0xFFFF_FFFF
        }
    }
}
