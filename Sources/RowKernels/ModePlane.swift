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

/// Writes one label for each box of 2x2 voxels, not sparse.
///
/// - Parameters:
///   - width: Bytes of a voxel: 1, 2, 4 or 8.
///   - a: First box's voxel at (0, 0).
///   - b: Next to `a` on the first axis.
///   - c: Next to `a` on the second axis.
///   - d: Next on both.
///   - stride: Voxels from one box to the next.
///   - count: Boxes.
///   - readNear: Where reading ahead begins, see ``inRuns``.
///   - readFar: Likewise.
///   - out: Receives `count` voxels.
package func modePlane(
    width: Int,
    a: UnsafeRawPointer,
    b: UnsafeRawPointer,
    c: UnsafeRawPointer,
    d: UnsafeRawPointer,
    stride: Int,
    count: Int,
    near readNear: UInt,
    far readFar: UInt,
    into out: UnsafeMutableRawPointer
) {
    switch width {
    case 1: planeRow(Int8.self, a, b, c, d, stride, count, readNear, readFar, out, planeChoice)
    case 2: planeRow(Int16.self, a, b, c, d, stride, count, readNear, readFar, out, planeChoice)
    case 4: planeRow(Int32.self, a, b, c, d, stride, count, readNear, readFar, out, planeChoice)
    case 8: planeRow(Int64.self, a, b, c, d, stride, count, readNear, readFar, out, planeChoice)
    default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
    }
}

/// Writes one label for each box of 2x2 voxels, where 0 is background that yields to any label.
///
/// - Parameters:
///   - width: Bytes of a voxel: 1, 2, 4 or 8.
///   - a: First box's voxel at (0, 0).
///   - b: Next to `a` on the first axis.
///   - c: Next to `a` on the second axis.
///   - d: Next on both.
///   - nearIsB: Whether `b` comes before `c` when a lone neighbour is looked for.
///   - stride: Voxels from one box to the next.
///   - count: Boxes.
///   - out: Receives `count` voxels.
package func modePlaneSparse(
    width: Int,
    a: UnsafeRawPointer,
    b: UnsafeRawPointer,
    c: UnsafeRawPointer,
    d: UnsafeRawPointer,
    nearIsB: Bool,
    stride: Int,
    count: Int,
    into out: UnsafeMutableRawPointer
) {
    // The choice among a and b treats b and c alike where both are equal, so b may always be the near one.
    let (near, far) = nearIsB ? (b, c) : (c, b)
    switch width {
    case 1: planeRow(Int8.self, a, near, far, d, stride, count, 0, 0, out, planeChoiceSparse)
    case 2: planeRow(Int16.self, a, near, far, d, stride, count, 0, 0, out, planeChoiceSparse)
    case 4: planeRow(Int32.self, a, near, far, d, stride, count, 0, 0, out, planeChoiceSparse)
    case 8: planeRow(Int64.self, a, near, far, d, stride, count, 0, 0, out, planeChoiceSparse)
    default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
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

/// Runs `choice` over a row, with a loop of its own for each layout that vectorises.
@inline(__always)
private func planeRow<T: FixedWidthInteger>(
    _ type: T.Type,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    _ stride: Int,
    _ count: Int,
    _ readNear: UInt,
    _ readFar: UInt,
    _ out: UnsafeMutableRawPointer,
    _ choice: (T, T, T, T) -> T
) {
    let width = MemoryLayout<T>.size
    let (pa, pb) = (a.assumingMemoryBound(to: T.self), b.assumingMemoryBound(to: T.self))
    let (pc, pd) = (c.assumingMemoryBound(to: T.self), d.assumingMemoryBound(to: T.self))
    let target = out.assumingMemoryBound(to: T.self)
    var i = 0
    if stride == 2 && b == a + width && d == c + width && readNear == 0 {
        while i < count {
            let k = i &* 2
            target[i] = choice(pa[k], pa[k &+ 1], pc[k], pc[k &+ 1])
            i &+= 1
        }
    } else if stride == 2 && b == a + width && d == c + width {
        inPieces(count, bytes: 4 &* width, near: readNear, far: readFar) { i in
            let k = i &* 2
            target[i] = choice(pa[k], pa[k &+ 1], pc[k], pc[k &+ 1])
        }
    } else if stride == 2 && c == a + width && d == b + width {
        while i < count {
            let k = i &* 2
            target[i] = choice(pa[k], pb[k], pa[k &+ 1], pb[k &+ 1])
            i &+= 1
        }
    } else if stride == 1 {
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
