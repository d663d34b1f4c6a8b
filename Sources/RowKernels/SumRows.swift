// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * The box of output i is voxels [i * factor, min((i + 1) * factor, inputCount)) of every row of `rows`.
// * The caller proves that no sum leaves the type of `sums`: arithmetic wraps, nothing is checked.
// * Pointers are aligned for their type; `sums`, `scratch` and the rows never overlap.

/// Adds up the voxels of every box of a window of rows.
///
/// The sum of a full box is multiplied by `scale`, that of a clipped last box by `lastScale`.
///
/// * `input`: ``RowType`` of the rows.
/// * `sum`: ``RowType`` of the sums: as signed as `input` and at least as wide.
/// * `scratch`: room for `inputCount` values of `sum`.
package func sumRows(
    input: UInt8,
    sum: UInt8,
    rows: UnsafePointer<UnsafeRawPointer>,
    rowCount: Int,
    factor: Int,
    inputCount: Int,
    scale: Int,
    lastScale: Int,
    scratch: UnsafeMutableRawPointer,
    into sums: UnsafeMutableRawPointer
) {
    @inline(__always)
    func run<In: FixedWidthInteger, Sum: FixedWidthInteger>(_: In.Type, _: Sum.Type) {
        sumLine(
            rows,
            rowCount,
            factor,
            inputCount,
            Sum(truncatingIfNeeded: scale),
            Sum(truncatingIfNeeded: lastScale),
            scratch.assumingMemoryBound(to: Sum.self),
            sums.assumingMemoryBound(to: Sum.self)
        ) { (voxel: In) in Sum(truncatingIfNeeded: voxel) }
    }
    @inline(__always)
    func runUnsigned<In: FixedWidthInteger>(_ type: In.Type) {
        switch RowType(rawValue: sum) {
        case .u16: run(type, UInt16.self)
        case .u32: run(type, UInt32.self)
        case .u64: run(type, UInt64.self)
        default: run(type, UInt128.self)
        }
    }
    @inline(__always)
    func runSigned<In: FixedWidthInteger>(_ type: In.Type) {
        switch RowType(rawValue: sum) {
        case .i16: run(type, Int16.self)
        case .i32: run(type, Int32.self)
        case .i64: run(type, Int64.self)
        default: run(type, Int128.self)
        }
    }
    switch RowType(rawValue: input) {
    case .u8: runUnsigned(UInt8.self)
    case .u16: runUnsigned(UInt16.self)
    case .u32: runUnsigned(UInt32.self)
    case .u64: runUnsigned(UInt64.self)
    case .u128: runUnsigned(UInt128.self)
    case .i8: runSigned(Int8.self)
    case .i16: runSigned(Int16.self)
    case .i32: runSigned(Int32.self)
    case .i64: runSigned(Int64.self)
    default: runSigned(Int128.self)
    }
}

/// Counts the voxels of every box that are not 0, times `scale` or `lastScale` as ``sumRows`` has it.
///
/// * `width`: Bytes of one voxel; any integer type.
/// * `count`: ``RowType`` of the counts: `u16`, `u32` or `u64`, whichever holds them.
package func countRows(
    width: Int,
    count: UInt8,
    rows: UnsafePointer<UnsafeRawPointer>,
    rowCount: Int,
    factor: Int,
    inputCount: Int,
    scale: Int,
    lastScale: Int,
    scratch: UnsafeMutableRawPointer,
    into counts: UnsafeMutableRawPointer
) {
    @inline(__always)
    func run<In: FixedWidthInteger, Count: FixedWidthInteger>(_: In.Type, _: Count.Type) {
        sumLine(
            rows,
            rowCount,
            factor,
            inputCount,
            Count(truncatingIfNeeded: scale),
            Count(truncatingIfNeeded: lastScale),
            scratch.assumingMemoryBound(to: Count.self),
            counts.assumingMemoryBound(to: Count.self)
        ) { (voxel: In) in voxel == 0 ? 0 : 1 }
    }
    @inline(__always)
    func runCounted<In: FixedWidthInteger>(_ type: In.Type) {
        switch RowType(rawValue: count) {
        case .u16: run(type, UInt16.self)
        case .u32: run(type, UInt32.self)
        default: run(type, UInt64.self)
        }
    }
    switch width {
    case 1: runCounted(UInt8.self)
    case 2: runCounted(UInt16.self)
    case 4: runCounted(UInt32.self)
    default: runCounted(UInt64.self)
    }
}

/// Down the rows first, elementwise, then along the row: the first part is what a vectoriser likes best.
@inline(__always)
private func sumLine<In: FixedWidthInteger, Sum: FixedWidthInteger>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ rowCount: Int,
    _ factor: Int,
    _ inputCount: Int,
    _ scale: Sum,
    _ lastScale: Sum,
    _ scratch: UnsafeMutablePointer<Sum>,
    _ sums: UnsafeMutablePointer<Sum>,
    _ term: (In) -> Sum
) {
    let column = factor == 1 ? sums : scratch
    addRows(rows, rowCount, inputCount, column, term)
    let full = inputCount / factor
    switch factor {
    case 1:
        guard scale != 1 else { return }
        for i in 0..<full { sums[i] = column[i] &* scale }
    case 2:
        for i in 0..<full { sums[i] = (column[2 &* i] &+ column[2 &* i &+ 1]) &* scale }
    case 3:
        for i in 0..<full {
            let at = 3 &* i
            sums[i] = (column[at] &+ column[at &+ 1] &+ column[at &+ 2]) &* scale
        }
    case 4:
        for i in 0..<full {
            let at = 4 &* i
            let left = column[at] &+ column[at &+ 1]
            let right = column[at &+ 2] &+ column[at &+ 3]
            sums[i] = (left &+ right) &* scale
        }
    default:
        for i in 0..<full { sums[i] = sumColumns(column, i &* factor, (i &+ 1) &* factor) &* scale }
    }
    if full &* factor < inputCount {
        sums[full] = sumColumns(column, full &* factor, inputCount) &* lastScale
    }
}

@inline(__always)
private func sumColumns<Sum: FixedWidthInteger>(_ column: UnsafeMutablePointer<Sum>, _ from: Int, _ to: Int)
    -> Sum
{
    var sum: Sum = 0
    for j in from..<to { sum &+= column[j] }
    return sum
}

@inline(__always)
private func addRows<In: FixedWidthInteger, Sum: FixedWidthInteger>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ rowCount: Int,
    _ inputCount: Int,
    _ column: UnsafeMutablePointer<Sum>,
    _ term: (In) -> Sum
) {
    let a = rows[0].assumingMemoryBound(to: In.self)
    var row = 1
    if rowCount == 1 {
        for i in 0..<inputCount { column[i] = term(a[i]) }
    } else if rowCount == 2 {
        let b = rows[1].assumingMemoryBound(to: In.self)
        for i in 0..<inputCount { column[i] = term(a[i]) &+ term(b[i]) }
        row = 2
    } else {
        let b = rows[1].assumingMemoryBound(to: In.self)
        let c = rows[2].assumingMemoryBound(to: In.self)
        for i in 0..<inputCount { column[i] = term(a[i]) &+ term(b[i]) &+ term(c[i]) }
        row = 3
    }
    while row < rowCount {
        let a = rows[row].assumingMemoryBound(to: In.self)
        if row + 1 < rowCount {
            let b = rows[row + 1].assumingMemoryBound(to: In.self)
            for i in 0..<inputCount { column[i] = column[i] &+ term(a[i]) &+ term(b[i]) }
        } else {
            for i in 0..<inputCount { column[i] = column[i] &+ term(a[i]) }
        }
        row += 2
    }
}
