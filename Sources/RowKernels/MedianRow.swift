// SPDX-License-Identifier: Apache-2.0

// Medians of boxes (docs/semantics.md 6): the lower of the two middle values of the sorted box; NaN
// if the box has one; sparse: of the values that are not 0 (-0 is 0, NaN is not), 0 if there is none. Which
// signed zero is returned is free.
//
// - Boxes of four and eight, not sparse, with factor 1 or 2: `MedianFew`, in registers.
// - Boxes of up to `medianNetworkLimit`: `MedianNetwork`, a sorting network over columns of boxes.
// - Larger boxes, and the clipped one: `MedianSelect`, one box at a time.
//
// Invariant: the callers own `inputCount` voxels at each of `rowCount` >= 1 rows and one voxel of `out` for
// each box, naturally aligned; `out` overlaps no row; `scratch` holds `medianScratchByteCount` bytes, aligned
// to 16.

/// Bytes of scratch memory that `median` needs; aligned to 16.
///
/// - Parameters:
///   - width: Bytes of a voxel.
///   - boxVoxelCount: Voxels of a full box: rows times the lesser of factor and input count.
/// - Returns: Bytes; a box of voxels, and at least some kilobytes.
package func medianScratchByteCount(width: Int, boxVoxelCount: Int) -> Int {
    Swift.max(medianNetworkByteCount, boxVoxelCount * width)
}

/// Writes the lower median of each box.
///
/// Box i is voxels [i * factor, min((i + 1) * factor, inputCount)) of every row. Boxes are selected from in
/// linear time on average, n log n at worst.
/// - Parameters:
///   - type: Raw value of a `RowType` that an image can have.
///   - sparse: Whether zeros are left out; a box of zeros gives 0.
///   - rows: The rows of the boxes.
///   - rowCount: 1 or more.
///   - factor: 1 or more.
///   - inputCount: Voxels of a row.
///   - scratch: `medianScratchByteCount` bytes.
///   - out: Receives `inputCount` / `factor` voxels, rounded up.
package func median(
    type: UInt8,
    sparse: Bool,
    rows: UnsafePointer<UnsafeRawPointer>,
    rowCount: Int,
    factor: Int,
    inputCount: Int,
    scratch: UnsafeMutableRawPointer,
    into out: UnsafeMutableRawPointer
) {
    switch RowType(rawValue: type) {
    case .u8: medianRow(UInt8.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .u16: medianRow(UInt16.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .u32: medianRow(UInt32.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .u64: medianRow(UInt64.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .i8: medianRow(Int8.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .i16: medianRow(Int16.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .i32: medianRow(Int32.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .i64: medianRow(Int64.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .f32: medianRow(Float.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .f64: medianRow(Double.self, sparse, rows, rowCount, factor, inputCount, scratch, out)
    case .u128, .i128, nil: preconditionFailure("no image has this voxel type")
    }
}

@inline(never)
private func medianRow<T: MedianVoxel>(
    _ type: T.Type,
    _ sparse: Bool,
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ rowCount: Int,
    _ factor: Int,
    _ inputCount: Int,
    _ scratch: UnsafeMutableRawPointer,
    _ out: UnsafeMutableRawPointer
) {
    let target = out.assumingMemoryBound(to: T.self)
    let values = scratch.assumingMemoryBound(to: T.self)
    let full = inputCount / factor
    var i = 0
    if full > 0 && rowCount <= medianNetworkLimit && factor <= medianNetworkLimit / rowCount {
        if sparse || !medianFew(type, rows, rowCount, factor, full, target) {
            medianNetwork(type, sparse, rows, rowCount, factor, full, scratch, target)
        }
        i = full
    }
    var start = i &* factor
    while start < inputCount {
        let end = start &+ Swift.min(factor, inputCount &- start)
        target[i] = medianSelect(rows, rowCount, start, end, sparse, values)
        start = end
        i &+= 1
    }
}
