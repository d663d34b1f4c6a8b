// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * `width` is the bytes of a voxel, T; sums are T or, if `isWide`, f64. Counts are whole numbers as f64.
// * A division is done once, in the type that the name says, and rounded once more to T if that is narrower.

/// `sums[i] *= scale`, in the sums' own type.
package func scaleFloats(width: Int, sums: UnsafeMutableRawPointer, count: Int, by scale: Double) {
    if width == 4 {
        let sums = sums.assumingMemoryBound(to: Float.self)
        for i in 0..<count { sums[i] *= Float(scale) }
    } else {
        let sums = sums.assumingMemoryBound(to: Double.self)
        for i in 0..<count { sums[i] *= scale }
    }
}

/// `voxels[i] = T(f64(sums[i]) / divisor)`.
package func renderFloats(
    width: Int,
    isWide: Bool,
    sums: UnsafeRawPointer,
    count: Int,
    divisor: Double,
    into voxels: UnsafeMutableRawPointer
) {
    if width == 8 {
        let sums = sums.assumingMemoryBound(to: Double.self)
        let voxels = voxels.assumingMemoryBound(to: Double.self)
        for i in 0..<count { voxels[i] = sums[i] / divisor }
    } else if isWide {
        let sums = sums.assumingMemoryBound(to: Double.self)
        let voxels = voxels.assumingMemoryBound(to: Float.self)
        for i in 0..<count { voxels[i] = Float(sums[i] / divisor) }
    } else {
        let sums = sums.assumingMemoryBound(to: Float.self)
        let voxels = voxels.assumingMemoryBound(to: Float.self)
        for i in 0..<count { voxels[i] = Float(Double(sums[i]) / divisor) }
    }
}

/// `voxels[i] = sums[i] / T(divisor)`, one division in T.
package func renderFloatsNarrow(
    width: Int,
    sums: UnsafeRawPointer,
    count: Int,
    divisor: Double,
    into voxels: UnsafeMutableRawPointer
) {
    if width == 8 {
        renderFloats(width: 8, isWide: true, sums: sums, count: count, divisor: divisor, into: voxels)
    } else {
        let sums = sums.assumingMemoryBound(to: Float.self)
        let voxels = voxels.assumingMemoryBound(to: Float.self)
        let divisor = Float(divisor)
        for i in 0..<count { voxels[i] = sums[i] / divisor }
    }
}

/// `voxels[i] = T(sums[i] / counts[i])`; where the count is 0: 0, or the sum itself if `keepsEmpty`.
///
/// `isNarrow`: Whether the division is done in T, with sums of T.
package func renderSparseFloats(
    width: Int,
    isNarrow: Bool,
    keepsEmpty: Bool,
    sums: UnsafeRawPointer,
    counts: UnsafeRawPointer,
    count: Int,
    into voxels: UnsafeMutableRawPointer
) {
    let counts = counts.assumingMemoryBound(to: Double.self)
    let empty = keepsEmpty ? 1.0 : 0.0
    if width == 8 {
        let sums = sums.assumingMemoryBound(to: Double.self)
        let voxels = voxels.assumingMemoryBound(to: Double.self)
        for i in 0..<count {
            let sum = counts[i] == 0 && empty == 0 ? 0 : sums[i]
            voxels[i] = sum / (counts[i] == 0 ? 1 : counts[i])
        }
    } else if isNarrow {
        let sums = sums.assumingMemoryBound(to: Float.self)
        let voxels = voxels.assumingMemoryBound(to: Float.self)
        for i in 0..<count {
            let sum = counts[i] == 0 && empty == 0 ? 0 : sums[i]
            voxels[i] = sum / Float(counts[i] == 0 ? 1 : counts[i])
        }
    } else {
        let sums = sums.assumingMemoryBound(to: Double.self)
        let voxels = voxels.assumingMemoryBound(to: Float.self)
        for i in 0..<count {
            let sum = counts[i] == 0 && empty == 0 ? 0 : sums[i]
            voxels[i] = Float(sum / (counts[i] == 0 ? 1 : counts[i]))
        }
    }
}

/// Whether no sum is infinite or NaN.
package func areFinite(width: Int, sums: UnsafeRawPointer, count: Int) -> Bool {
    // A sum is not finite when its exponent bits are all ones; no early exit, so that the loop vectorises.
    if width == 4 {
        let bits = sums.assumingMemoryBound(to: UInt32.self)
        var found: UInt32 = 0
        for i in 0..<count { found |= bits[i] & 0x7f80_0000 == 0x7f80_0000 ? 1 : 0 }
        return found == 0
    }
    let bits = sums.assumingMemoryBound(to: UInt64.self)
    var found: UInt64 = 0
    for i in 0..<count { found |= bits[i] & 0x7ff0_0000_0000_0000 == 0x7ff0_0000_0000_0000 ? 1 : 0 }
    return found == 0
}
