// SPDX-License-Identifier: Apache-2.0

// Minimum and maximum over boxes (docs/semantics.md 6). A NaN in the box is the result; which
// signed zero is returned is free.
//
// Invariant: the callers own `inputCount` voxels at each of `rowCount` >= 1 rows and one voxel of `out` for
// each box, naturally aligned; `out` overlaps no row.

/// Writes the least or the greatest voxel of each box; a box with a NaN gives NaN.
///
/// Box i is voxels [i * factor, min((i + 1) * factor, inputCount)) of every row.
/// - Parameters:
///   - type: Raw value of a `RowType` that an image can have.
///   - isMax: Greatest if true, else least.
///   - rows: The rows of the boxes.
///   - rowCount: 1 or more.
///   - factor: 1 or more.
///   - inputCount: Voxels of a row.
///   - out: Receives `inputCount` / `factor` voxels, rounded up.
package func extreme(
    type: UInt8,
    isMax: Bool,
    rows: UnsafePointer<UnsafeRawPointer>,
    rowCount: Int,
    factor: Int,
    inputCount: Int,
    into out: UnsafeMutableRawPointer
) {
    switch RowType(rawValue: type) {
    case .u8: extremeRows(UInt8.self, isMax, rows, rowCount, factor, inputCount, out)
    case .u16: extremeRows(UInt16.self, isMax, rows, rowCount, factor, inputCount, out)
    case .u32: extremeRows(UInt32.self, isMax, rows, rowCount, factor, inputCount, out)
    case .u64: extremeRows(UInt64.self, isMax, rows, rowCount, factor, inputCount, out)
    case .i8: extremeRows(Int8.self, isMax, rows, rowCount, factor, inputCount, out)
    case .i16: extremeRows(Int16.self, isMax, rows, rowCount, factor, inputCount, out)
    case .i32: extremeRows(Int32.self, isMax, rows, rowCount, factor, inputCount, out)
    case .i64: extremeRows(Int64.self, isMax, rows, rowCount, factor, inputCount, out)
    case .f32: extremeRows(Float.self, isMax, rows, rowCount, factor, inputCount, out)
    case .f64: extremeRows(Double.self, isMax, rows, rowCount, factor, inputCount, out)
    case .u128, .i128, nil: preconditionFailure("no image has this voxel type")
    }
}

/// Which of two voxels is kept.
protocol ExtremeRule {
    static func keep<T: Comparable>(_ kept: T, _ next: T) -> T
}

// Both rules keep a NaN, once there is one: for integers the second compare folds away.

enum GreatestRule: ExtremeRule {
    @inline(__always)
    static func keep<T: Comparable>(_ kept: T, _ next: T) -> T {
        let greater = next > kept ? next : kept
        return next == next ? greater : next
    }
}

enum LeastRule: ExtremeRule {
    @inline(__always)
    static func keep<T: Comparable>(_ kept: T, _ next: T) -> T {
        let less = next < kept ? next : kept
        return next == next ? less : next
    }
}

@inline(__always)
private func extremeRows<T: Comparable>(
    _ type: T.Type,
    _ isMax: Bool,
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ rowCount: Int,
    _ factor: Int,
    _ inputCount: Int,
    _ out: UnsafeMutableRawPointer
) {
    if isMax {
        foldRows(type, GreatestRule.self, rows, rowCount, factor, inputCount, out)
    } else {
        foldRows(type, LeastRule.self, rows, rowCount, factor, inputCount, out)
    }
}

/// Folds two rows at a time into the output, which stays in the nearest cache between them.
@inline(never)
private func foldRows<T: Comparable, Rule: ExtremeRule>(
    _ type: T.Type,
    _ rule: Rule.Type,
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ rowCount: Int,
    _ factor: Int,
    _ inputCount: Int,
    _ out: UnsafeMutableRawPointer
) {
    let target = out.assumingMemoryBound(to: T.self)
    let full = inputCount / factor
    // An even count of rows starts with two, an odd count with one (twice).
    foldPair(type, rule, rows[0], rows[1 &- rowCount & 1], factor, full, target, isFirst: true)
    var r = 2 &- rowCount & 1
    while r < rowCount {
        foldPair(type, rule, rows[r], rows[r &+ 1], factor, full, target, isFirst: false)
        r &+= 2
    }
    let start = full &* factor
    guard start < inputCount else { return }
    var kept = rows[0].assumingMemoryBound(to: T.self)[start]
    r = 0
    while r < rowCount {
        let row = rows[r].assumingMemoryBound(to: T.self)
        var k = start
        while k < inputCount {
            kept = Rule.keep(kept, row[k])
            k &+= 1
        }
        r &+= 1
    }
    target[full] = kept
}

@inline(__always)
private func foldPair<T: Comparable, Rule: ExtremeRule>(
    _ type: T.Type,
    _ rule: Rule.Type,
    _ first: UnsafeRawPointer,
    _ second: UnsafeRawPointer,
    _ factor: Int,
    _ count: Int,
    _ target: UnsafeMutablePointer<T>,
    isFirst: Bool
) {
    let p = first.assumingMemoryBound(to: T.self)
    let q = second.assumingMemoryBound(to: T.self)
    var i = 0
    if factor == 2 {
        while i < count {
            let k = i &* 2
            let pair = Rule.keep(Rule.keep(p[k], p[k &+ 1]), Rule.keep(q[k], q[k &+ 1]))
            target[i] = isFirst ? pair : Rule.keep(target[i], pair)
            i &+= 1
        }
    } else if factor == 1 {
        while i < count {
            let pair = Rule.keep(p[i], q[i])
            target[i] = isFirst ? pair : Rule.keep(target[i], pair)
            i &+= 1
        }
    } else {
        while i < count {
            let start = i &* factor
            var kept = isFirst ? p[start] : target[i]
            var k = start
            while k < start &+ factor {
                kept = Rule.keep(kept, Rule.keep(p[k], q[k]))
                k &+= 1
            }
            target[i] = kept
            i &+= 1
        }
    }
}
