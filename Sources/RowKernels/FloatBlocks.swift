// SPDX-License-Identifier: Apache-2.0
internal import CLanes

// Rules of this file:
// * The rules of `FloatPairs.swift`, for voxels of 32 bits and rows of eight boxes and more.
// * Vectors are written out for the reasons in `PairBlocks.swift`, and because the loops that a compiler makes of
//   single voxels part neighbours anew in every lane.
// * A line's last eight boxes end where the line ends: some are made once more, the same.

/// Boxes that are made at a time.
private var lanes: Int { 8 }

/// Averages a row of boxes of 4 voxels of rows `a` and `b`, or of 8 with `c` and `d`; `count` is at least 8.
///
/// * `rule`, `near`, `far`, `voxels`: As in ``averageFloatPairs``; `carried` is its `sums`.
/// * `inverse`: Of the divisor.
/// - Returns: Bits of which the highest is set where a mean was infinite or NaN.
@inline(__always)
func floatBlocks(
    _ rule: FloatPairRule,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    isCube: Bool,
    _ count: Int,
    _ inverse: Double,
    _ near: UInt,
    _ far: UInt,
    _ carried: UnsafeMutableRawPointer?,
    _ voxels: UnsafeMutableRawPointer
) -> UInt32 {
    var found = SIMD8<UInt32>()
    /// Calls `mean` for eight boxes from each place on, and keeps what it returns.
    @inline(__always)
    func walk(_ rows: Int, _ mean: (Int) -> SIMD8<Float>) {
        inRuns(count, bytes: rows &* 8, near: near, far: far) { begin, end in
            var next = begin
            while next < end {
                let at = min(next, end &- lanes)
                let means = mean(at)
                (voxels + at &* 4).storeBytes(of: means, as: SIMD8<Float>.self)
                let bits = unsafeBitCast(means, to: SIMD8<UInt32>.self)
                found |= (bits & SIMD8(repeating: 0x7f80_0000)) &+ SIMD8(repeating: 0x80_0000)
                next &+= lanes
            }
        }
    }
    @inline(__always)
    func means(_ sum: (Int) -> SIMD4<Double>, _ at: Int, _ inverse: Double) -> SIMD8<Float> {
        clanes_narrowed(clanes_product(sum(at), inverse), clanes_product(sum(at &+ 4), inverse))
    }
    @inline(__always)
    func once(_ rows: Int, _ sum: (Int) -> SIMD4<Double>) {
        walk(rows) { at in means(sum, at, inverse) }
    }
    /// Where no voxel is 0, as `once`: the divisor is then that of all.
    @inline(__always)
    func sparse(
        _ rows: Int,
        _ hasZero: (Int) -> Bool,
        _ sum: (Int) -> SIMD4<Double>,
        _ live: (Int) -> SIMD4<Double>
    ) {
        let inverse = 1 / Double(2 &* rows)
        walk(rows) { at in
            guard hasZero(at) || hasZero(at &+ 4) else {
                return means(sum, at, inverse)
            }
            return clanes_narrowed(
                clanes_quotient(sum(at), clanes_at_least_one(live(at))),
                clanes_quotient(sum(at &+ 4), clanes_at_least_one(live(at &+ 4)))
            )
        }
    }
    /// `sum` is mixed, as `CLanes` has it.
    @inline(__always)
    func carry(_ rows: Int, _ sum: (Int) -> SIMD8<Float>) {
        let inverse = Float(inverse)
        if let carried {
            walk(rows) { at in
                let sum = clanes_unmixed(sum(at))
                (carried + at &* 4).storeBytes(of: sum, as: SIMD8<Float>.self)
                return sum * inverse
            }
        } else {
            walk(rows) { at in clanes_unmixed(sum(at)) * inverse }
        }
    }
    switch (rule, isCube) {
    case (.once, false):
        once(2) { at in sums(b, at, after: sums(a, at)) }
    case (.once, true):
        once(4) { at in sums(d, at, after: sums(c, at, after: sums(b, at, after: sums(a, at)))) }
    case (.onceSparse, false):
        sparse(
            2,
            { at in clanes_have_zero(pairs(a, at), pairs(b, at)) },
            { at in sums(b, at, after: sums(a, at)) },
            { at in clanes_sum(live(a, at), live(b, at)) }
        )
    case (.onceSparse, true):
        sparse(
            4,
            { at in
                clanes_have_zero(pairs(a, at), pairs(b, at)) || clanes_have_zero(pairs(c, at), pairs(d, at))
            },
            { at in sums(d, at, after: sums(c, at, after: sums(b, at, after: sums(a, at)))) },
            { at in
                clanes_sum(clanes_sum(live(a, at), live(b, at)), clanes_sum(live(c, at), live(d, at)))
            }
        )
    case (.columns, _):
        carry(2) { at in (evens(a, at) + evens(b, at)) + (odds(a, at) + odds(b, at)) }
    case (.carried, false):
        carry(2) { at in SIMD8() + evens(a, at) + odds(a, at) + evens(b, at) + odds(b, at) }
    case (.carried, true):
        carry(4) { at in
            let first = SIMD8() + evens(a, at) + odds(a, at) + evens(b, at) + odds(b, at)
            return first + evens(c, at) + odds(c, at) + evens(d, at) + odds(d, at)
        }
    }
    let halves = found.lowHalf | found.highHalf
    return halves.x | halves.y | halves.z | halves.w
}

/// Four pairs of a row from box `at` on.
@inline(__always)
private func pairs(_ row: UnsafeRawPointer, _ at: Int) -> SIMD8<Float> {
    (row + at &* 8).loadUnaligned(as: SIMD8<Float>.self)
}

/// Firsts of eight pairs, mixed.
@inline(__always)
private func evens(_ row: UnsafeRawPointer, _ at: Int) -> SIMD8<Float> {
    clanes_mixed_evens(pairs(row, at), pairs(row, at &+ 4))
}

/// Seconds of eight pairs, mixed.
@inline(__always)
private func odds(_ row: UnsafeRawPointer, _ at: Int) -> SIMD8<Float> {
    clanes_mixed_odds(pairs(row, at), pairs(row, at &+ 4))
}

/// Four pairs of a row from box `at` on, widened: the firsts and the seconds, mixed.
@inline(__always)
private func widePairs(_ row: UnsafeRawPointer, _ at: Int) -> (firsts: SIMD4<Double>, seconds: SIMD4<Double>)
{
    let low = clanes_widened((row + at &* 8).loadUnaligned(as: SIMD4<Float>.self))
    let high = clanes_widened((row + (at &* 8 &+ 16)).loadUnaligned(as: SIMD4<Float>.self))
    return (clanes_wide_evens(low, high), clanes_wide_odds(low, high))
}

/// Sums of four pairs, mixed.
@inline(__always)
private func sums(_ row: UnsafeRawPointer, _ at: Int) -> SIMD4<Double> {
    let (firsts, seconds) = widePairs(row, at)
    return clanes_sum(firsts, seconds)
}

/// `before` with the firsts, then the seconds, of four pairs.
@inline(__always)
private func sums(_ row: UnsafeRawPointer, _ at: Int, after before: SIMD4<Double>) -> SIMD4<Double> {
    let (firsts, seconds) = widePairs(row, at)
    return clanes_sum(clanes_sum(before, firsts), seconds)
}

/// How many voxels of each of four pairs are not 0, mixed.
@inline(__always)
private func live(_ row: UnsafeRawPointer, _ at: Int) -> SIMD4<Double> {
    let (firsts, seconds) = widePairs(row, at)
    return clanes_sum(clanes_live(firsts), clanes_live(seconds))
}
