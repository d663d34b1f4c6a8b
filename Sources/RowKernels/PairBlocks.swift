// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * The rules of `AveragePairs.swift`. Vectors are written out, since the loops that a compiler makes of single voxels
//   ask first whether their rows overlap and end one voxel at a time, which takes longer than a short row itself.
// * Two neighbours of a row are read as one integer of twice the width: a mask and a shift part them, no shuffle.
// * A line's last vector ends where the line ends: it makes some outputs once more, the same, for outputs are never
//   inputs.

/// A box of pairs, as a type: what decides about a loop's code has to be a constant in it, whether or not the compiler
/// puts the loop into its caller.
protocol PairBox {
    /// 1, 2 or 4.
    static var rowCount: Int { get }
    /// 1 or 2.
    static var factor: Int { get }
}

enum PairOfOneRow: PairBox {
    static var rowCount: Int { 1 }
    static var factor: Int { 2 }
}

enum ColumnOfTwo: PairBox {
    static var rowCount: Int { 2 }
    static var factor: Int { 1 }
}

enum PairOfTwoRows: PairBox {
    static var rowCount: Int { 2 }
    static var factor: Int { 2 }
}

enum ColumnOfFour: PairBox {
    static var rowCount: Int { 4 }
    static var factor: Int { 1 }
}

enum PairOfFourRows: PairBox {
    static var rowCount: Int { 4 }
    static var factor: Int { 2 }
}

/// How sums are rendered, likewise.
protocol PairRounding {
    static var toEven: Bool { get }
}

enum TowardZero: PairRounding {
    static var toEven: Bool { false }
}

enum ToEven: PairRounding {
    static var toEven: Bool { true }
}

/// Walks outputs `begin` ..< `end` of a line in vectors of sixteen, the last of which ends at `end`.
///
/// `eight`, `two` and `one` make that many outputs from the one they are given on; they serve lines, always from 0 on,
/// that are shorter than a vector.
@inline(__always)
func inBlocks(
    _ begin: Int,
    _ end: Int,
    sixteen: (Int) -> Void,
    eight: (Int) -> Void,
    two: (Int) -> Void,
    one: (Int) -> Void
) {
    @inline(__always)
    func walk(_ lanes: Int, _ body: (Int) -> Void) {
        var at = begin
        while at < end {
            body(min(at, end &- lanes))
            at &+= lanes
        }
    }
    if end >= 16 {
        walk(16, sixteen)
    } else if end >= 8 {
        walk(8, eight)
    } else if end >= 2 {
        walk(2, two)
    } else {
        walk(1, one)
    }
}

/// The sums of neighbouring boxes of pairs: all rows, each from byte `at` on.
///
/// * `Row`: Twice as many lanes of voxels as there are boxes.
/// * `Pairs`: A lane of twice the width for each box.
/// * `Sums`: A lane for each box, as wide as a voxel or twice that.
@inline(__always)
func pairSums<Box: PairBox, Row: SIMD, Pairs: SIMD, Sums: SIMD>(
    _: Box.Type,
    _: Row.Type,
    _: Pairs.Type,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    _ at: Int
) -> Sums
where Row.Scalar: FixedWidthInteger, Pairs.Scalar: FixedWidthInteger, Sums.Scalar: FixedWidthInteger {
    let half = Pairs(repeating: Pairs.Scalar(truncatingIfNeeded: Row.Scalar.bitWidth))
    @inline(__always)
    func load(_ row: UnsafeRawPointer) -> Pairs { (row + at).loadUnaligned(as: Pairs.self) }
    if Sums.Scalar.bitWidth == Row.Scalar.bitWidth {
        // What overflows from the low half of a lane to the high one is none of the low half's sum. But an unsigned
        // sum of lows never does, so halves are added last.
        @inline(__always)
        func folded(_ pairs: Pairs) -> Pairs { pairs &+ (pairs &>> half) }
        @inline(__always)
        func row(_ row: UnsafeRawPointer) -> Pairs {
            Pairs.Scalar.isSigned ? folded(load(row)) : load(row)
        }
        var sum = row(a)
        if Box.rowCount > 1 { sum &+= row(b) }
        if Box.rowCount > 2 { sum &+= row(c) &+ row(d) }
        return lanes(Pairs.Scalar.isSigned ? sum : folded(sum))
    }
    @inline(__always)
    func both(_ row: UnsafeRawPointer) -> Pairs {
        let pairs = load(row)
        let low =
            Pairs.Scalar.isSigned
            ? (pairs &<< half) &>> half
            : pairs & Pairs(repeating: (1 &<< Pairs.Scalar(truncatingIfNeeded: Row.Scalar.bitWidth)) &- 1)
        return low &+ (pairs &>> half)
    }
    var sum = both(a)
    if Box.rowCount > 1 { sum &+= both(b) }
    if Box.rowCount > 2 { sum &+= both(c) &+ both(d) }
    return lanes(sum)
}

/// The sums of the columns of all rows, each from byte `at` on.
@inline(__always)
func columnSums<Box: PairBox, Row: SIMD, Sums: SIMD>(
    _: Box.Type,
    _: Row.Type,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    _ at: Int
) -> Sums where Row.Scalar: FixedWidthInteger, Sums.Scalar: FixedWidthInteger {
    @inline(__always)
    func wide(_ row: UnsafeRawPointer) -> Sums { lanes((row + at).loadUnaligned(as: Row.self)) }
    let sum = wide(a) &+ wide(b)
    return Box.rowCount > 2 ? sum &+ wide(c) &+ wide(d) : sum
}

/// The low bits of every lane, or the lane itself, widened as its type has it.
@inline(__always)
func lanes<From: SIMD, To: SIMD>(_ from: From) -> To
where From.Scalar: FixedWidthInteger, To.Scalar: FixedWidthInteger {
    var to = To()
    for lane in 0..<To.scalarCount { to[lane] = To.Scalar(truncatingIfNeeded: from[lane]) }
    return to
}

/// Sums over 2^shift, cut toward 0 or rounded to even, `shift` at least 1.
@inline(__always)
func shifted<Rounding: PairRounding, Sums: SIMD>(_: Rounding.Type, _ sums: Sums, by shift: Sums.Scalar)
    -> Sums
where Sums.Scalar: FixedWidthInteger {
    let by = Sums(repeating: shift)
    if Rounding.toEven {
        let odd = (sums &>> by) & Sums(repeating: 1)
        return (sums &+ Sums(repeating: (1 &<< (shift &- 1)) &- 1) &+ odd) &>> by
    }
    guard Sums.Scalar.isSigned else { return sums &>> by }
    let sign = sums &>> Sums(repeating: Sums.Scalar(truncatingIfNeeded: Sums.Scalar.bitWidth - 1))
    return (sums &+ (sign & Sums(repeating: (1 &<< shift) &- 1))) &>> by
}
