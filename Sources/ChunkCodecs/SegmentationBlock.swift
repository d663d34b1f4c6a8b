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

    private func fill() -> Int {
        let label = self.label(0)
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                let row = output + (z * outputPlane + y * outputRow)
                for x in 0..<extent.x {
                    row.storeBytes(of: label, toByteOffset: x &* MemoryLayout<Label>.size, as: Label.self)
                }
            }
        }
        return 0
    }

    @inline(__always)
    private func unpack(width: Int) -> Int {
        // A table that has all the labels that so many bits can name needs no look at each index.
        if width < 32, room >= 1 << width {
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
                    row.storeBytes(
                        of: label(index),
                        toByteOffset: x &* MemoryLayout<Label>.size,
                        as: Label.self
                    )
                    bit &+= width
                }
            }
        }
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
