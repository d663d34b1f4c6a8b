// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * The rules of `FloatRows.swift`; boxes of 4 or 8 voxels whose neighbours along the row follow one another:
//   position 2j + 1 is the voxel behind position 2j, and the next box is 2 voxels on.
// * Summing and rendering are one pass; asking whether all is finite is another over the row just made: a flag
//   carried through the first would keep it from being vectorised.

/// How a sum of floats is made and rendered. Divisors are powers of two, so a product with the inverse is the quotient
/// to the bit, and costs an eighth of it.
package enum FloatPairRule: UInt8 {
    /// `T((f64(v0) + v1 + ...) / divisor)`, for one mip.
    case once = 0
    /// `((0 + v0) + v1 + ...) / T(divisor)` in T, for several.
    case carried = 1
    /// `((v0 + v2) + (v1 + v3)) / T(divisor)` in T.
    case columns = 2
}

/// Averages a row of boxes of floats.
///
/// * `rule`: Raw value of a ``FloatPairRule``; `columns` takes 4 positions.
/// * `divisor`: A power of two from 1 to 2^100.
/// * `sums`: Where sums of T go, if they are carried on; never for `once`.
/// - Returns: Whether no sum was infinite or NaN.
package func averageFloatPairs(
    width: Int,
    rule: UInt8,
    positions: UnsafePointer<UnsafeRawPointer>,
    positionCount: Int,
    count: Int,
    divisor: Double,
    sums: UnsafeMutableRawPointer?,
    voxels: UnsafeMutableRawPointer
) -> Bool {
    if width == 4 {
        floatLine(
            rule,
            positions,
            positionCount,
            count,
            divisor,
            sums?.assumingMemoryBound(to: Float.self),
            voxels.assumingMemoryBound(to: Float.self),
            { Double($0) },
            { Float($0) }
        )
    } else {
        floatLine(
            rule,
            positions,
            positionCount,
            count,
            divisor,
            sums?.assumingMemoryBound(to: Double.self),
            voxels.assumingMemoryBound(to: Double.self),
            { $0 },
            { $0 }
        )
    }
    // A divisor is at least 1, and a mean of finite voxels fits their type: a voxel is finite where its sum is.
    return areFinite(width: width, sums: voxels, count: count)
}

@inline(__always)
private func floatLine<Voxel: BinaryFloatingPoint>(
    _ rule: UInt8,
    _ positions: UnsafePointer<UnsafeRawPointer>,
    _ positionCount: Int,
    _ count: Int,
    _ divisor: Double,
    _ sums: UnsafeMutablePointer<Voxel>?,
    _ voxels: UnsafeMutablePointer<Voxel>,
    _ wide: (Voxel) -> Double,
    _ narrow: (Double) -> Voxel
) {
    let a = positions[0].assumingMemoryBound(to: Voxel.self)
    let b = positions[2].assumingMemoryBound(to: Voxel.self)
    let c = positions[positionCount == 8 ? 4 : 0].assumingMemoryBound(to: Voxel.self)
    let d = positions[positionCount == 8 ? 6 : 0].assumingMemoryBound(to: Voxel.self)
    let inverse = 1 / divisor
    let narrowInverse = narrow(inverse)
    @inline(__always)
    func carry(_ sum: (Int) -> Voxel) {
        if let sums {
            for i in 0..<count {
                let total = sum(i)
                sums[i] = total
                voxels[i] = total * narrowInverse
            }
        } else {
            for i in 0..<count { voxels[i] = sum(i) * narrowInverse }
        }
    }
    @inline(__always)
    func once(_ sum: (Int) -> Double) {
        for i in 0..<count { voxels[i] = narrow(sum(i) * inverse) }
    }
    switch (FloatPairRule(rawValue: rule), positionCount) {
    case (.once, 4):
        once { i in
            let at = 2 &* i
            return wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
        }
    case (.once, _):
        once { i in
            let at = 2 &* i
            let first = wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
            return first + wide(c[at]) + wide(c[at &+ 1]) + wide(d[at]) + wide(d[at &+ 1])
        }
    case (.columns, _):
        carry { i in
            let at = 2 &* i
            return (a[at] + b[at]) + (a[at &+ 1] + b[at &+ 1])
        }
    case (_, 4):
        carry { i in
            let at = 2 &* i
            return 0 + a[at] + a[at &+ 1] + b[at] + b[at &+ 1]
        }
    default:
        carry { i in
            let at = 2 &* i
            let first = 0 + a[at] + a[at &+ 1] + b[at] + b[at &+ 1]
            return first + c[at] + c[at &+ 1] + d[at] + d[at &+ 1]
        }
    }
}
