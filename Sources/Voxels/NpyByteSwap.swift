// SPDX-License-Identifier: Apache-2.0

/// Turns the bytes of every voxel round, in place: big endian to little endian and back.
///
/// `width` is 1 (nothing happens), 2, 4 or 8, and divides the count. The memory may lie at any address.
package func swapBytes(of voxels: UnsafeMutableRawBufferPointer, width: Int) {
    precondition(width > 0 && voxels.count % width == 0, "part of a voxel")
    guard let base = voxels.baseAddress else { return }
    switch width {
    case 1: return
    case 2: swapWords(base, voxels.count / 2, as: UInt16.self)
    case 4: swapWords(base, voxels.count / 4, as: UInt32.self)
    case 8: swapWords(base, voxels.count / 8, as: UInt64.self)
    default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
    }
}

/// `base` has `count` words behind it. Specialised for each width, the loop becomes vector shuffles.
@inline(__always)
private func swapWords<Word: FixedWidthInteger & BitwiseCopyable>(
    _ base: UnsafeMutableRawPointer,
    _ count: Int,
    as _: Word.Type
) {
    let width = MemoryLayout<Word>.size
    for index in 0..<count {
        let offset = index &* width
        let word = base.loadUnaligned(fromByteOffset: offset, as: Word.self)
        base.storeBytes(of: word.byteSwapped, toByteOffset: offset, as: Word.self)
    }
}
