// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * The rules of `FloatRows.swift`; boxes of 4 or 8 voxels whose neighbours along the row follow one another:
//   position 2j + 1 is the voxel behind position 2j, and the next box is 2 voxels on.
// * Summing, rendering and asking whether all is finite are one pass. A voxel is not finite where its exponent is all
//   ones: one more overflows into the place of the sign, and all these bits are collected.

/// How a sum of floats is made and rendered. Divisors are powers of two, so a product with the inverse is the quotient
/// to the bit, and costs an eighth of it.
package enum FloatPairRule: UInt8 {
    /// `T((f64(v0) + v1 + ...) / divisor)`, for one mip.
    case once = 0
    /// `((0 + v0) + v1 + ...) / T(divisor)` in T, for several.
    case carried = 1
    /// `((v0 + v2) + (v1 + v3)) / T(divisor)` in T.
    case columns = 2
    /// `T((f64(v0) + v1 + ...) / n)` where n voxels are not 0; the sum itself where none is. The divisor is not looked at.
    case onceSparse = 3
}

/// Averages a row of boxes of floats.
///
/// * `rule`: Raw value of a ``FloatPairRule``; `columns` takes 4 positions.
/// * `divisor`: A power of two from 1 to 2^100.
/// * `near`, `far`: Where reading ahead begins, see ``inRuns``.
/// * `sums`: Where sums of T go, if they are carried on; never for `once`.
/// - Returns: Whether no sum was infinite or NaN.
package func averageFloatPairs(
    width: Int,
    rule: UInt8,
    positions: UnsafePointer<UnsafeRawPointer>,
    positionCount: Int,
    count: Int,
    divisor: Double,
    near: UInt,
    far: UInt,
    sums: UnsafeMutableRawPointer?,
    voxels: UnsafeMutableRawPointer
) -> Bool {
    // A divisor is at least 1, and a mean of finite voxels fits their type: a voxel is finite where its sum is.
    guard width == 4 else {
        let found = floatLine(
            rule,
            positions,
            positionCount,
            count,
            divisor,
            near,
            far,
            sums?.assumingMemoryBound(to: Double.self),
            voxels.assumingMemoryBound(to: Double.self),
            { $0 },
            { $0 },
            { ($0.bitPattern & 0x7ff0_0000_0000_0000) &+ 0x10_0000_0000_0000 }
        )
        return found & 0x8000_0000_0000_0000 == 0
    }
    let found = floatLine(
        rule,
        positions,
        positionCount,
        count,
        divisor,
        near,
        far,
        sums?.assumingMemoryBound(to: Float.self),
        voxels.assumingMemoryBound(to: Float.self),
        { Double($0) },
        { Float($0) },
        { ($0.bitPattern & 0x7f80_0000) &+ 0x80_0000 }
    )
    return found & 0x8000_0000 == 0
}

@inline(__always)
private func floatLine<Voxel: BinaryFloatingPoint, Bits: FixedWidthInteger>(
    _ rule: UInt8,
    _ positions: UnsafePointer<UnsafeRawPointer>,
    _ positionCount: Int,
    _ count: Int,
    _ divisor: Double,
    _ near: UInt,
    _ far: UInt,
    _ sums: UnsafeMutablePointer<Voxel>?,
    _ voxels: UnsafeMutablePointer<Voxel>,
    _ wide: (Voxel) -> Double,
    _ narrow: (Double) -> Voxel,
    _ overflow: (Voxel) -> Bits
) -> Bits {
    let a = positions[0].assumingMemoryBound(to: Voxel.self)
    let b = positions[2].assumingMemoryBound(to: Voxel.self)
    let c = positions[positionCount == 8 ? 4 : 0].assumingMemoryBound(to: Voxel.self)
    let d = positions[positionCount == 8 ? 6 : 0].assumingMemoryBound(to: Voxel.self)
    let inverse = 1 / divisor
    let narrowInverse = narrow(inverse)
    var found: Bits = 0
    @inline(__always)
    func render(_ begin: Int, _ end: Int, _ voxel: (Int) -> Voxel) {
        var bits: Bits = 0
        for i in begin..<end {
            let mean = voxel(i)
            voxels[i] = mean
            bits |= overflow(mean)
        }
        found |= bits
    }
    @inline(__always)
    func carry(_ rows: Int, _ sum: (Int) -> Voxel) {
        let bytes = rows &* MemoryLayout<Voxel>.size
        if let sums {
            inRuns(count, bytes: bytes, near: near, far: far) { begin, end in
                for i in begin..<end { sums[i] = sum(i) }
                render(begin, end) { sums[$0] * narrowInverse }
            }
        } else {
            inRuns(count, bytes: bytes, near: near, far: far) { begin, end in
                render(begin, end) { sum($0) * narrowInverse }
            }
        }
    }
    @inline(__always)
    func once(_ rows: Int, _ sum: (Int) -> Double) {
        inRuns(count, bytes: rows &* MemoryLayout<Voxel>.size, near: near, far: far) { begin, end in
            render(begin, end) { narrow(sum($0) * inverse) }
        }
    }
    @inline(__always)
    func live(_ row: UnsafePointer<Voxel>, _ at: Int) -> Double {
        (row[at] != 0 ? 1.0 : 0.0) + (row[at &+ 1] != 0 ? 1.0 : 0.0)
    }
    @inline(__always)
    func sparse(_ rows: Int, _ box: (Int) -> (sum: Double, live: Double)) {
        inRuns(count, bytes: rows &* MemoryLayout<Voxel>.size, near: near, far: far) { begin, end in
            render(begin, end) { i in
                let (sum, live) = box(i)
                return narrow(sum / (live == 0 ? 1 : live))
            }
        }
    }
    switch (FloatPairRule(rawValue: rule), positionCount) {
    case (.once, 4):
        once(4) { i in
            let at = 2 &* i
            return wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
        }
    case (.once, _):
        once(8) { i in
            let at = 2 &* i
            let first = wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
            return first + wide(c[at]) + wide(c[at &+ 1]) + wide(d[at]) + wide(d[at &+ 1])
        }
    case (.onceSparse, 4):
        sparse(4) { i in
            let at = 2 &* i
            let sum = wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
            return (sum, live(a, at) + live(b, at))
        }
    case (.onceSparse, _):
        sparse(8) { i in
            let at = 2 &* i
            let first = wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
            let sum = first + wide(c[at]) + wide(c[at &+ 1]) + wide(d[at]) + wide(d[at &+ 1])
            return (sum, live(a, at) + live(b, at) + live(c, at) + live(d, at))
        }
    case (.columns, _):
        carry(4) { i in
            let at = 2 &* i
            return (a[at] + b[at]) + (a[at &+ 1] + b[at &+ 1])
        }
    case (_, 4):
        carry(4) { i in
            let at = 2 &* i
            return 0 + a[at] + a[at &+ 1] + b[at] + b[at &+ 1]
        }
    default:
        carry(8) { i in
            let at = 2 &* i
            let first = 0 + a[at] + a[at &+ 1] + b[at] + b[at &+ 1]
            return first + c[at] + c[at &+ 1] + d[at] + d[at &+ 1]
        }
    }
    return found
}
