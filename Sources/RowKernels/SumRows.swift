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
    let window = Window(
        rows: rows,
        rowCount: rowCount,
        factor: factor,
        inputCount: inputCount,
        scale: scale,
        lastScale: lastScale,
        scratch: scratch,
        sums: sums
    )
    switch RowType(rawValue: input) {
    case .u8: window.sumUnsigned(UInt8.self, sum)
    case .u16: window.sumUnsigned(UInt16.self, sum)
    case .u32: window.sumUnsigned(UInt32.self, sum)
    case .u64: window.sumUnsigned(UInt64.self, sum)
    case .u128: window.sumUnsigned(UInt128.self, sum)
    case .i8: window.sumSigned(Int8.self, sum)
    case .i16: window.sumSigned(Int16.self, sum)
    case .i32: window.sumSigned(Int32.self, sum)
    case .i64: window.sumSigned(Int64.self, sum)
    default: window.sumSigned(Int128.self, sum)
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
    let window = Window(
        rows: rows,
        rowCount: rowCount,
        factor: factor,
        inputCount: inputCount,
        scale: scale,
        lastScale: lastScale,
        scratch: scratch,
        sums: counts
    )
    switch width {
    case 1: window.count(UInt8.self, count)
    case 2: window.count(UInt16.self, count)
    case 4: window.count(UInt32.self, count)
    default: window.count(UInt64.self, count)
    }
}

/// What every specialisation below is given.
private struct Window {
    let rows: UnsafePointer<UnsafeRawPointer>
    let rowCount: Int
    let factor: Int
    let inputCount: Int
    let scale: Int
    let lastScale: Int
    let scratch: UnsafeMutableRawPointer
    let sums: UnsafeMutableRawPointer

    @inline(__always)
    func sumUnsigned<In: FixedWidthInteger>(_ input: In.Type, _ sum: UInt8) {
        switch RowType(rawValue: sum) {
        case .u16: reduce(input, UInt16.self) { UInt16(truncatingIfNeeded: $0) }
        case .u32: reduce(input, UInt32.self) { UInt32(truncatingIfNeeded: $0) }
        case .u64: reduce(input, UInt64.self) { UInt64(truncatingIfNeeded: $0) }
        default: reduce(input, UInt128.self) { UInt128(truncatingIfNeeded: $0) }
        }
    }

    @inline(__always)
    func sumSigned<In: FixedWidthInteger>(_ input: In.Type, _ sum: UInt8) {
        switch RowType(rawValue: sum) {
        case .i16: reduce(input, Int16.self) { Int16(truncatingIfNeeded: $0) }
        case .i32: reduce(input, Int32.self) { Int32(truncatingIfNeeded: $0) }
        case .i64: reduce(input, Int64.self) { Int64(truncatingIfNeeded: $0) }
        default: reduce(input, Int128.self) { Int128(truncatingIfNeeded: $0) }
        }
    }

    @inline(__always)
    func count<In: FixedWidthInteger>(_ input: In.Type, _ count: UInt8) {
        switch RowType(rawValue: count) {
        case .u16: reduce(input, UInt16.self) { $0 == 0 ? 0 : 1 }
        case .u32: reduce(input, UInt32.self) { $0 == 0 ? 0 : 1 }
        default: reduce(input, UInt64.self) { $0 == 0 ? 0 : 1 }
        }
    }

    /// Down the rows first, elementwise, then along the row: the first part is what a vectoriser likes best.
    @inline(__always)
    private func reduce<In: FixedWidthInteger, Sum: FixedWidthInteger>(
        _: In.Type,
        _: Sum.Type,
        _ term: (In) -> Sum
    ) {
        let sums = sums.assumingMemoryBound(to: Sum.self)
        let column = factor == 1 ? sums : scratch.assumingMemoryBound(to: Sum.self)
        addRows(into: column, term)
        let scale = Sum(truncatingIfNeeded: scale)
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
            for i in 0..<full {
                sums[i] = sum(column, from: i &* factor, to: (i &+ 1) &* factor) &* scale
            }
        }
        if full &* factor < inputCount {
            let last = sum(column, from: full &* factor, to: inputCount)
            sums[full] = last &* Sum(truncatingIfNeeded: lastScale)
        }
    }

    @inline(__always)
    private func sum<Sum: FixedWidthInteger>(_ column: UnsafeMutablePointer<Sum>, from: Int, to: Int) -> Sum {
        var sum: Sum = 0
        for j in from..<to { sum &+= column[j] }
        return sum
    }

    @inline(__always)
    private func addRows<In: FixedWidthInteger, Sum: FixedWidthInteger>(
        into column: UnsafeMutablePointer<Sum>,
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
}
