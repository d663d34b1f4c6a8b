// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * The rules of `FloatRows.swift`; boxes of 4 or 8 voxels whose neighbours along the row follow one another:
//   position 2j + 1 is the voxel behind position 2j, and the next box is 2 voxels on.
// * Summing, rendering and asking whether all sums are finite are one pass.

/// How a sum of floats is made and rendered.
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
) -> Bool {
    let a = positions[0].assumingMemoryBound(to: Voxel.self)
    let b = positions[2].assumingMemoryBound(to: Voxel.self)
    let c = positions[positionCount == 8 ? 4 : 0].assumingMemoryBound(to: Voxel.self)
    let d = positions[positionCount == 8 ? 6 : 0].assumingMemoryBound(to: Voxel.self)
    let narrowDivisor = narrow(divisor)
    @inline(__always)
    func carry(_ sum: (Int) -> Voxel) -> Bool {
        // A difference with itself is 0 for a finite sum and NaN for all others; NaN stays.
        var doubt: Voxel = 0
        if let sums {
            for i in 0..<count {
                let total = sum(i)
                sums[i] = total
                voxels[i] = total / narrowDivisor
            }
            for i in 0..<count where !((sums[i] - sums[i]) == 0) { doubt = 1 }
        } else {
            for i in 0..<count {
                let total = sum(i)
                voxels[i] = total / narrowDivisor
                doubt = (total - total) == 0 ? doubt : 1
            }
        }
        return doubt == 0
    }
    @inline(__always)
    func once(_ sum: (Int) -> Double) -> Bool {
        var doubt: Double = 0
        for i in 0..<count {
            let total = sum(i)
            voxels[i] = narrow(total / divisor)
            doubt = (total - total) == 0 ? doubt : 1
        }
        return doubt == 0
    }
    switch (FloatPairRule(rawValue: rule), positionCount) {
    case (.once, 4):
        return once { i in
            let at = 2 &* i
            return wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
        }
    case (.once, _):
        return once { i in
            let at = 2 &* i
            let first = wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
            return first + wide(c[at]) + wide(c[at &+ 1]) + wide(d[at]) + wide(d[at &+ 1])
        }
    case (.columns, _):
        return carry { i in
            let at = 2 &* i
            return (a[at] + b[at]) + (a[at &+ 1] + b[at &+ 1])
        }
    case (_, 4):
        return carry { i in
            let at = 2 &* i
            return 0 + a[at] + a[at &+ 1] + b[at] + b[at &+ 1]
        }
    default:
        return carry { i in
            let at = 2 &* i
            let first = 0 + a[at] + a[at &+ 1] + b[at] + b[at &+ 1]
            return first + c[at] + c[at &+ 1] + d[at] + d[at &+ 1]
        }
    }
}
