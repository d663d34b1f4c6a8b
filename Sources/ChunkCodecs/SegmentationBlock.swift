// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// The innermost loops of ``SegmentationDecoder``: one block, from packed indices to labels.
///
/// Its maker has seen to it that `packed` holds the indices of a whole block, `table` at least `room` labels, and
/// that all voxels of `extent` lie in the output. Nothing else is ever touched.
struct SegmentationBlock<Label: FixedWidthInteger & UnsignedInteger & BitwiseCopyable> {
    /// Voxels along each axis, clipped.
    let extent: Extent3
    /// From row to row of the packed indices.
    let rowVoxels: Int
    let planeVoxels: Int
    let packed: UnsafeRawPointer
    let table: UnsafeRawPointer
    /// At least 1.
    let room: Int
    let output: UnsafeMutableRawPointer
    /// From row to row of the output, in bytes.
    let outputRow: Int
    let outputPlane: Int

    /// Writes the labels of the block. `bits` is 0 or a power of two up to 32.
    ///
    /// Returns the highest index met. If it is `room` or more, what was written is without meaning.
    func unpack(_ bits: Int) -> Int {
        // The width is a constant in each loop, so that shifts and masks are.
        switch bits {
        case 0: fill()
        case 1: unpack(width: 1)
        case 2: unpack(width: 2)
        case 4: unpack(width: 4)
        case 8: unpack(width: 8)
        case 16: unpack(width: 16)
        default: unpack(width: 32)
        }
    }

    /// Whether rows are whole groups of eight, each of which begins with a byte of the packed indices.
    private var hasGroups: Bool { extent.x % 8 == 0 && rowVoxels % 8 == 0 }

    private func fill() -> Int {
        let label = self.label(0)
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                let row = output + (z * outputPlane + y * outputRow)
                var x = 0
                // Eight at a time, so that the loop is one of vectors.
                while x &+ 8 <= extent.x {
                    for voxel in 0..<8 { store(label, row, x &+ voxel) }
                    x &+= 8
                }
                while x < extent.x {
                    store(label, row, x)
                    x &+= 1
                }
            }
        }
        return 0
    }

    /// Groups of eight indices of 1 or 2 bits, two at a time: `pairs` has the two labels of each pair of indices.
    @inline(__always)
    private func unpackPairs(width: Int) {
        let pairCount = 1 << (2 * width)
        withUnsafeTemporaryAllocation(of: Label.self, capacity: 32) { pairs in
            guard let pairs = pairs.baseAddress else { return }
            // At most 16 pairs of a table that has all labels.
            for pair in 0..<pairCount {
                (pairs + 2 &* pair).initialize(to: label(pair & (1 << width - 1)))
                (pairs + (2 &* pair &+ 1)).initialize(to: label(pair >> width))
            }
            eachGroup(width) { group, row in
                let indices =
                    width == 1
                    ? UInt(group.load(as: UInt8.self))
                    : UInt(UInt16(littleEndian: group.loadUnaligned(as: UInt16.self)))
                for pair in 0..<4 {
                    let at = indices >> UInt(2 &* pair &* width) & UInt(pairCount &- 1)
                    let labels = pairs + 2 &* Int(bitPattern: at)
                    let (first, second) = (labels[0], labels[1])
                    store(first, row, 2 &* pair)
                    store(second, row, 2 &* pair &+ 1)
                }
            }
        }
    }

    /// Groups of eight indices of 4, 8 or 16 bits. The same as ``unpack(width:)`` says of the highest index.
    @inline(__always)
    private func unpackGroups(width: Int, isChecked: Bool) -> Int {
        var highest = 0
        eachGroup(width) { group, row in
            for half in 0..<(width == 16 ? 2 : 1) {
                let indices =
                    width == 4
                    ? UInt64(UInt32(littleEndian: group.loadUnaligned(as: UInt32.self)))
                    : UInt64(littleEndian: group.loadUnaligned(fromByteOffset: 8 &* half, as: UInt64.self))
                let count = width == 16 ? 4 : 8
                for voxel in 0..<count {
                    var index = Int(
                        truncatingIfNeeded: indices >> UInt64(voxel &* width) & (1 << UInt64(width) - 1)
                    )
                    if isChecked {
                        highest = max(highest, index)
                        index = min(index, room &- 1)
                    }
                    store(label(index), row, half &* count &+ voxel)
                }
            }
        }
        return highest
    }

    /// Calls `body` with the packed indices, `width` bytes, and the place in the output of each group of eight voxels.
    ///
    /// Only with ``hasGroups``: then a group begins at a multiple of 8 voxels, which is `width` bytes for each eight.
    @inline(__always)
    private func eachGroup(_ width: Int, _ body: (UnsafeRawPointer, UnsafeMutableRawPointer) -> Void) {
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                var row = output + (z * outputPlane + y * outputRow)
                var group = packed + (z * planeVoxels + y * rowVoxels) / 8 * width
                for _ in 0..<extent.x / 8 {
                    body(group, row)
                    group += width
                    row += 8 &* MemoryLayout<Label>.size
                }
            }
        }
    }

    @inline(__always)
    private func unpack(width: Int) -> Int {
        // A table that has all the labels that so many bits can name needs no look at each index.
        let hasAll = width < 32 && room >= 1 << width
        if width < 32, hasGroups, hasAll || width > 2 {
            if width > 2 { return unpackGroups(width: width, isChecked: !hasAll) }
            unpackPairs(width: width)
            return 0
        }
        if hasAll {
            eachVoxel(width) { label($0) }
            return 0
        }
        var highest = 0
        eachVoxel(width) { index in
            highest = max(highest, index)
            return label(min(index, room &- 1))
        }
        return highest
    }

    @inline(__always)
    private func eachVoxel(_ width: Int, _ label: (Int) -> Label) {
        let mask: UInt32 = ~0 >> UInt32(truncatingIfNeeded: 32 &- width)
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                let row = output + (z * outputPlane + y * outputRow)
                // Below 2^29, since a block has at most 2^24 voxels.
                var bit = (z * planeVoxels + y * rowVoxels) * width
                for x in 0..<extent.x {
                    let word = UInt32(
                        littleEndian: packed.loadUnaligned(
                            fromByteOffset: (bit &>> 5) &* 4,
                            as: UInt32.self
                        )
                    )
                    let index = Int(word &>> UInt32(truncatingIfNeeded: bit & 31) & mask)
                    store(label(index), row, x)
                    bit &+= width
                }
            }
        }
    }

    @inline(__always)
    private func store(_ label: Label, _ row: UnsafeMutableRawPointer, _ x: Int) {
        row.storeBytes(of: label, toByteOffset: x &* MemoryLayout<Label>.size, as: Label.self)
    }

    @inline(__always)
    private func label(_ index: Int) -> Label {
        Label(
            littleEndian: table.loadUnaligned(
                fromByteOffset: index &* MemoryLayout<Label>.size,
                as: Label.self
            )
        )
    }
}
