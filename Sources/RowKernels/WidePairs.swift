// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * 64-bit means without 128-bit sums: the parts above and below 2^bits are added up apart, so that nothing overflows.
// * Boxes of exactly 2^bits voxels take a loop that vectorises: signed voxels are moved up by 2^63, which moves the mean
//   by as much, since AVX2 has no shift of 64-bit lanes that keeps their sign.

/// A line of ``averagePairs`` for 64-bit voxels; `bits` is its shift.
@inline(__always)
func wideLine<Voxel: FixedWidthInteger>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ shifted: Int,
    _ rowCount: Int,
    _ factor: Int,
    _ count: Int,
    _ bits: Voxel,
    _ roundsToEven: Bool,
    _ near: UInt,
    _ far: UInt,
    _ voxels: UnsafeMutablePointer<Voxel>
) {
    @inline(__always)
    func row(_ number: Int) -> UnsafePointer<Voxel> {
        (rows[number] + shifted).assumingMemoryBound(to: Voxel.self)
    }
    if rowCount == 2, factor == 2, bits == 2 {
        let (a, b) = (row(0), row(1))
        @inline(__always)
        func line(_ roundsToEven: Bool) {
            inPieces(count, bytes: 32, near: near, far: far) { i in
                let k = i &* 2
                let (v0, v1, v2, v3) = (moved(a[k]), moved(a[k &+ 1]), moved(b[k]), moved(b[k &+ 1]))
                let high = (v0 &>> 2) &+ (v1 &>> 2) &+ (v2 &>> 2) &+ (v3 &>> 2)
                let low = (v0 & 3) &+ (v1 & 3) &+ (v2 & 3) &+ (v3 & 3)
                voxels[i] = rounded(high, low, 2, roundsToEven)
            }
        }
        if roundsToEven { line(true) } else { line(false) }
    } else if rowCount == 4, factor == 2, bits == 3 {
        let (a, b, c, d) = (row(0), row(1), row(2), row(3))
        @inline(__always)
        func line(_ roundsToEven: Bool) {
            inPieces(count, bytes: 64, near: near, far: far) { i in
                let k = i &* 2
                let (v0, v1, v2, v3) = (moved(a[k]), moved(a[k &+ 1]), moved(b[k]), moved(b[k &+ 1]))
                let (v4, v5, v6, v7) = (moved(c[k]), moved(c[k &+ 1]), moved(d[k]), moved(d[k &+ 1]))
                let highAB = (v0 &>> 3) &+ (v1 &>> 3) &+ (v2 &>> 3) &+ (v3 &>> 3)
                let highCD = (v4 &>> 3) &+ (v5 &>> 3) &+ (v6 &>> 3) &+ (v7 &>> 3)
                let lowAB = (v0 & 7) &+ (v1 & 7) &+ (v2 & 7) &+ (v3 & 7)
                let lowCD = (v4 & 7) &+ (v5 & 7) &+ (v6 & 7) &+ (v7 & 7)
                voxels[i] = rounded(highAB &+ highCD, lowAB &+ lowCD, 3, roundsToEven)
            }
        }
        if roundsToEven { line(true) } else { line(false) }
    } else {
        wideAnyLine(rows, shifted, rowCount, factor, count, bits, roundsToEven, voxels)
    }
}

/// What signed voxels are moved by.
@inline(__always)
private func moved<Voxel: FixedWidthInteger>(_ voxel: Voxel) -> UInt64 {
    UInt64(truncatingIfNeeded: voxel) ^ (Voxel.isSigned ? 1 &<< 63 : 0)
}

/// The mean of 2^bits moved voxels whose parts above 2^bits add up to `high`, those below to `low`; moved back.
@inline(__always)
private func rounded<Voxel: FixedWidthInteger>(
    _ high: UInt64,
    _ low: UInt64,
    _ bits: UInt64,
    _ toEven: Bool
) -> Voxel {
    let mask = (1 &<< bits) &- 1 as UInt64
    let floor = (high &+ (low &>> bits)) ^ (Voxel.isSigned ? 1 &<< 63 : 0)
    let rest = low & mask
    // Both are 0 or 1, without a compare: more than half, or half of an odd one; and any rest of a negative one.
    let up =
        toEven
        ? (rest &+ (mask &>> 1) &+ (floor & 1)) &>> bits
        : Voxel.isSigned ? (floor &>> 63) & ((rest &+ mask) &>> bits) : 0
    return Voxel(truncatingIfNeeded: floor &+ up)
}

/// Any other box.
@inline(__always)
private func wideAnyLine<Voxel: FixedWidthInteger>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ shifted: Int,
    _ rowCount: Int,
    _ factor: Int,
    _ count: Int,
    _ bits: Voxel,
    _ roundsToEven: Bool,
    _ voxels: UnsafeMutablePointer<Voxel>
) {
    let mask = (1 &<< bits) &- 1 as Voxel
    let half = 1 &<< (bits &- 1) as Voxel
    for i in 0..<count {
        var high: Voxel = 0
        var low: Voxel = 0
        for r in 0..<rowCount {
            let row = (rows[r] + shifted).assumingMemoryBound(to: Voxel.self)
            let first = row[i &* factor]
            high &+= first &>> bits
            low &+= first & mask
            if factor == 2 {
                let next = row[i &* 2 &+ 1]
                high &+= next &>> bits
                low &+= next & mask
            }
        }
        // low < 2^(2 * bits), so it is never negative; floor is high + low / 2^bits.
        let floor = high &+ (low &>> bits)
        let rest = low & mask
        if roundsToEven {
            voxels[i] = floor &+ (rest > half || (rest == half && floor & 1 == 1) ? 1 : 0)
        } else {
            voxels[i] = floor &+ (floor < 0 && rest != 0 ? 1 : 0)
        }
    }
}
