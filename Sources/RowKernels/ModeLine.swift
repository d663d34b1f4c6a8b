// SPDX-License-Identifier: Apache-2.0

// The line step of segmentation: one label out of two.
//
// Invariant: for 0 <= i < count the callers own a voxel at a, b + i * stride voxels and at out + i, naturally
// aligned, and `out` overlaps none of the inputs.

/// Writes the first of two labels; sparse: the second where the first is 0.
///
/// - Parameters:
///   - width: Bytes of a voxel: 1, 2, 4 or 8.
///   - a: First box's first voxel.
///   - b: First box's second voxel.
///   - stride: Voxels from one box to the next.
///   - count: Boxes.
///   - sparse: Whether 0 yields to the second label.
///   - out: Receives `count` voxels.
package func modeLine(
    width: Int,
    a: UnsafeRawPointer,
    b: UnsafeRawPointer,
    stride: Int,
    count: Int,
    sparse: Bool,
    into out: UnsafeMutableRawPointer
) {
    guard sparse else {
        copyStrided(width: width, from: a, stride: stride, count: count, into: out)
        return
    }
    switch width {
    case 1: lineRow(Int8.self, a, b, stride, count, out)
    case 2: lineRow(Int16.self, a, b, stride, count, out)
    case 4: lineRow(Int32.self, a, b, stride, count, out)
    case 8: lineRow(Int64.self, a, b, stride, count, out)
    default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
    }
}

@inline(__always)
private func lineRow<T: FixedWidthInteger>(
    _ type: T.Type,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ stride: Int,
    _ count: Int,
    _ out: UnsafeMutableRawPointer
) {
    let first = a.assumingMemoryBound(to: T.self)
    let second = b.assumingMemoryBound(to: T.self)
    let target = out.assumingMemoryBound(to: T.self)
    var i = 0
    if stride == 2 && b == a + MemoryLayout<T>.size {
        while i < count {
            let label = first[i &* 2]
            let next = first[i &* 2 &+ 1]
            target[i] = label == 0 ? next : label
            i &+= 1
        }
    } else if stride == 1 {
        while i < count {
            let (label, next) = (first[i], second[i])
            target[i] = label == 0 ? next : label
            i &+= 1
        }
    } else {
        while i < count {
            let (label, next) = (first[i &* stride], second[i &* stride])
            target[i] = label == 0 ? next : label
            i &+= 1
        }
    }
}
