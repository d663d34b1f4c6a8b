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

/// Averages boxes of floats, row by row, up to the first row with a sum that is infinite or NaN.
///
/// * `rule`: Raw value of a ``FloatPairRule``; `columns` takes 4 positions.
/// * `positions`: Of the first row's first box.
/// * `count`: Boxes of a row.
/// * `divisor`: A power of two from 1 to 2^100.
/// * `lines`: Rows; the voxels of the next one lie `lineStep` bytes further, its boxes `outputPitch` boxes.
/// * `near`, `far`: Where the first row's reading ahead begins, see ``inRuns``; the next row's is `lineStep` further.
/// * `sums`: Where sums of T go, if they are carried on; never for `once`.
/// - Returns: How many rows had none. What is written of the next one is of no use.
package func averageFloatPairs(
    width: Int,
    rule: UInt8,
    positions: UnsafePointer<UnsafeRawPointer>,
    positionCount: Int,
    count: Int,
    divisor: Double,
    lines: Int,
    lineStep: Int,
    outputPitch: Int,
    near: UInt,
    far: UInt,
    sums: UnsafeMutableRawPointer?,
    voxels: UnsafeMutableRawPointer
) -> Int {
    guard let rule = FloatPairRule(rawValue: rule) else { return 0 }
    let isCube = positionCount == 8
    let (a, b) = (positions[0], positions[2])
    let (c, d) = (positions[isCube ? 4 : 0], positions[isCube ? 6 : 0])
    // A divisor is at least 1, and a mean of finite voxels fits their type: a voxel is finite where its sum is.
    for line in 0..<lines {
        let step = line &* lineStep
        let out = line &* outputPitch &* width
        let near = near == 0 ? 0 : near &+ UInt(bitPattern: step)
        let far = far == 0 ? 0 : far &+ UInt(bitPattern: step)
        let (a, b, c, d) = (a + step, b + step, c + step, d + step)
        let (sums, voxels) = (sums.map { $0 + out }, voxels + out)
        let isFinite: Bool
        if width == 8 {
            let found = floatLine(
                rule,
                a.assumingMemoryBound(to: Double.self),
                b.assumingMemoryBound(to: Double.self),
                c.assumingMemoryBound(to: Double.self),
                d.assumingMemoryBound(to: Double.self),
                isCube: isCube,
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
            isFinite = found & 0x8000_0000_0000_0000 == 0
        } else if count >= 8 {
            isFinite =
                floatBlocks(rule, a, b, c, d, isCube: isCube, count, 1 / divisor, near, far, sums, voxels)
                & 0x8000_0000 == 0
        } else {
            let found = floatLine(
                rule,
                a.assumingMemoryBound(to: Float.self),
                b.assumingMemoryBound(to: Float.self),
                c.assumingMemoryBound(to: Float.self),
                d.assumingMemoryBound(to: Float.self),
                isCube: isCube,
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
            isFinite = found & 0x8000_0000 == 0
        }
        guard isFinite else { return line }
    }
    return lines
}

@inline(__always)
private func floatLine<Voxel: BinaryFloatingPoint, Bits: FixedWidthInteger>(
    _ rule: FloatPairRule,
    _ a: UnsafePointer<Voxel>,
    _ b: UnsafePointer<Voxel>,
    _ c: UnsafePointer<Voxel>,
    _ d: UnsafePointer<Voxel>,
    isCube: Bool,
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
    switch (rule, isCube) {
    case (.once, false):
        once(4) { i in
            let at = 2 &* i
            return wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
        }
    case (.once, true):
        once(8) { i in
            let at = 2 &* i
            let first = wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
            return first + wide(c[at]) + wide(c[at &+ 1]) + wide(d[at]) + wide(d[at &+ 1])
        }
    case (.onceSparse, false):
        sparse(4) { i in
            let at = 2 &* i
            let sum = wide(a[at]) + wide(a[at &+ 1]) + wide(b[at]) + wide(b[at &+ 1])
            return (sum, live(a, at) + live(b, at))
        }
    case (.onceSparse, true):
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
    case (.carried, false):
        carry(4) { i in
            let at = 2 &* i
            return 0 + a[at] + a[at &+ 1] + b[at] + b[at &+ 1]
        }
    case (.carried, true):
        carry(8) { i in
            let at = 2 &* i
            let first = 0 + a[at] + a[at &+ 1] + b[at] + b[at &+ 1]
            return first + c[at] + c[at &+ 1] + d[at] + d[at &+ 1]
        }
    }
    return found
}
