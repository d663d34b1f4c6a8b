// SPDX-License-Identifier: Apache-2.0

// The plane step of segmentation: one label out of four (docs/semantics.md 4).
//
//   a = (0,0), b = next on the first axis, c = next on the second axis, d = both
//   a if a = b or a = c; else b if b = c; else d
//   sparse: the same choice among a and b only; if that is nothing or 0, the first of d, a, near, far
//   that is not 0; else 0
//
// Invariant: for 0 <= i < count the callers own a voxel at a, b, c, d + i * stride voxels and at
// out + i, naturally aligned, and `out` overlaps none of the inputs.
//
// Labels are compared as bits, so signed integers stand for every type of their width: AVX2 and SSE2 compare
// signed lanes only. Choices are written as selects, from the weakest rule to the strongest, for the
// vectoriser.

/// Writes one label for each box of 2x2 voxels, not sparse, row by row.
///
/// - Parameters:
///   - width: Bytes of a voxel: 1, 2, 4 or 8.
///   - positions: The first box's voxels: `a`, the next on the first axis, the next on the second, the next on both.
///   - stride: Voxels from one box to the next.
///   - count: Boxes of a row.
///   - lines: Rows.
///   - lineStep: Bytes from a row's voxels to the next one's.
///   - outputPitch: Boxes from a row's first one to the next one's.
///   - near: Where the first row's reading ahead begins, see ``inRuns``; the next row's is `lineStep` further.
///   - far: Likewise.
///   - out: Receives `count` voxels a row.
package func modePlane(
    width: Int,
    positions: UnsafePointer<UnsafeRawPointer>,
    stride: Int,
    count: Int,
    lines: Int,
    lineStep: Int,
    outputPitch: Int,
    near: UInt,
    far: UInt,
    into out: UnsafeMutableRawPointer
) {
    let (a, b, c, d) = (positions[0], positions[1], positions[2], positions[3])
    for line in 0..<lines {
        let step = line &* lineStep
        let (a, b, c, d) = (a + step, b + step, c + step, d + step)
        let readNear = near == 0 ? 0 : near &+ UInt(bitPattern: step)
        let readFar = far == 0 ? 0 : far &+ UInt(bitPattern: step)
        let out = out + line &* outputPitch &* width
        if planeBlocks(PlaneRule.self, width, a, b, c, d, stride, count, readNear, readFar, out) { continue }
        switch width {
        case 1: planeRow(Int8.self, a, b, c, d, stride, count, out, planeChoice)
        case 2: planeRow(Int16.self, a, b, c, d, stride, count, out, planeChoice)
        case 4: planeRow(Int32.self, a, b, c, d, stride, count, out, planeChoice)
        case 8: planeRow(Int64.self, a, b, c, d, stride, count, out, planeChoice)
        default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
        }
    }
}

/// Writes one label for each box of 2x2 voxels, where 0 is background that yields to any label, row by row.
///
/// `nearIsSecond`: Whether the second of `positions` comes before the third when a lone neighbour is looked for. All
/// else is as in ``modePlane``.
package func modePlaneSparse(
    width: Int,
    positions: UnsafePointer<UnsafeRawPointer>,
    nearIsSecond: Bool,
    stride: Int,
    count: Int,
    lines: Int,
    lineStep: Int,
    outputPitch: Int,
    near: UInt,
    far: UInt,
    into out: UnsafeMutableRawPointer
) {
    // The choice among a and b treats b and c alike where both are equal, so b may always be the near one.
    let (a, d) = (positions[0], positions[3])
    let (b, c) = nearIsSecond ? (positions[1], positions[2]) : (positions[2], positions[1])
    for line in 0..<lines {
        let step = line &* lineStep
        let (a, b, c, d) = (a + step, b + step, c + step, d + step)
        let readNear = near == 0 ? 0 : near &+ UInt(bitPattern: step)
        let readFar = far == 0 ? 0 : far &+ UInt(bitPattern: step)
        let out = out + line &* outputPitch &* width
        if planeBlocks(SparsePlaneRule.self, width, a, b, c, d, stride, count, readNear, readFar, out) {
            continue
        }
        switch width {
        case 1: planeRow(Int8.self, a, b, c, d, stride, count, out, planeChoiceSparse)
        case 2: planeRow(Int16.self, a, b, c, d, stride, count, out, planeChoiceSparse)
        case 4: planeRow(Int32.self, a, b, c, d, stride, count, out, planeChoiceSparse)
        case 8: planeRow(Int64.self, a, b, c, d, stride, count, out, planeChoiceSparse)
        default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
        }
    }
}

@inline(__always)
func planeChoice<T: FixedWidthInteger>(_ a: T, _ b: T, _ c: T, _ d: T) -> T {
    let otherwise = b == c ? b : d
    let withC = a == c ? a : otherwise
    return a == b ? a : withC
}

@inline(__always)
func planeChoiceSparse<T: FixedWidthInteger>(_ a: T, _ near: T, _ far: T, _ d: T) -> T {
    let sides = near == 0 ? far : near
    let origin = a == 0 ? sides : a
    let lone = d == 0 ? origin : d
    let twins = near == far ? near : 0
    let withFar = a == far ? a : twins
    let pick = a == near ? a : withFar
    return pick == 0 ? lone : pick
}

/// Runs `choice` over a row that has no loop of vectors.
@inline(__always)
private func planeRow<T: FixedWidthInteger>(
    _ type: T.Type,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    _ stride: Int,
    _ count: Int,
    _ out: UnsafeMutableRawPointer,
    _ choice: (T, T, T, T) -> T
) {
    let (pa, pb) = (a.assumingMemoryBound(to: T.self), b.assumingMemoryBound(to: T.self))
    let (pc, pd) = (c.assumingMemoryBound(to: T.self), d.assumingMemoryBound(to: T.self))
    let target = out.assumingMemoryBound(to: T.self)
    var i = 0
    if stride == 1 {
        while i < count {
            target[i] = choice(pa[i], pb[i], pc[i], pd[i])
            i &+= 1
        }
    } else {
        while i < count {
            let k = i &* stride
            target[i] = choice(pa[k], pb[k], pc[k], pd[k])
            i &+= 1
        }
    }
}
