// SPDX-License-Identifier: Apache-2.0

// Every factor-th voxel of a row.
//
// Invariant: the callers own the voxels that are read, i * factor < inputCount, and one voxel of `out` for
// each, naturally aligned, and `out` does not overlap the row.

/// Copies the first voxel of each box: voxel i of the output is voxel i * factor of the row.
///
/// - Parameters:
///   - width: Bytes of a voxel: 1, 2, 4 or 8.
///   - row: `inputCount` voxels.
///   - factor: 1 or more.
///   - inputCount: Voxels of the row.
///   - out: Receives `inputCount` / `factor` voxels, rounded up.
package func strided(
    width: Int,
    row: UnsafeRawPointer,
    factor: Int,
    inputCount: Int,
    into out: UnsafeMutableRawPointer
) {
    guard inputCount > 0 else { return }
    copyStrided(width: width, from: row, stride: factor, count: (inputCount - 1) / factor + 1, into: out)
}

func copyStrided(
    width: Int,
    from row: UnsafeRawPointer,
    stride: Int,
    count: Int,
    into out: UnsafeMutableRawPointer
) {
    guard stride > 1 else {
        out.copyMemory(from: row, byteCount: count &* width)
        return
    }
    switch width {
    case 1: stridedRow(UInt8.self, row, stride, count, out)
    case 2: stridedRow(UInt16.self, row, stride, count, out)
    case 4: stridedRow(UInt32.self, row, stride, count, out)
    case 8: stridedRow(UInt64.self, row, stride, count, out)
    default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
    }
}

@inline(__always)
private func stridedRow<T: FixedWidthInteger>(
    _ type: T.Type,
    _ row: UnsafeRawPointer,
    _ stride: Int,
    _ count: Int,
    _ out: UnsafeMutableRawPointer
) {
    let source = row.assumingMemoryBound(to: T.self)
    let target = out.assumingMemoryBound(to: T.self)
    var i = 0
    if stride == 2 {
        while i < count {
            target[i] = source[i &* 2]
            i &+= 1
        }
    } else {
        while i < count {
            target[i] = source[i &* stride]
            i &+= 1
        }
    }
}
