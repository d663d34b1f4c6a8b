// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// The number under which a sharded scale has the chunk of a cell.
///
/// The bits of x, y, z are interleaved from the lowest on, x first; an axis of n cells takes part with its lowest
/// `ceil(log2(n))` bits. Source: Neuroglancer's description of precomputed volumes, "Compressed morton code".
/// - Precondition: No entry is negative and the bits of all axes are at most 64; bits beyond are left out.
package func compressedMortonCode(of cell: Extent3, gridCells: Extent3) -> UInt64 {
    var code: UInt64 = 0
    var written: UInt64 = 0
    let most = max(gridCells.x, gridCells.y, gridCells.z)
    for bit in 0..<Int.bitWidth - 1 {
        guard 1 << bit < most else { break }
        for axis in 0..<3 where 1 << bit < gridCells[axis] {
            code |= UInt64(cell[axis] >> bit & 1) << written
            written += 1
        }
    }
    return code
}

/// The first 64 bits of MurmurHash3_x86_128, seed 0, over the 8 little-endian bytes of `key`.
///
/// Written out for this one length: no block of 16 bytes, a tail of 8. Source: Austin Appleby's description of
/// MurmurHash3, which is in the public domain.
package func murmurHash3x86x128(of key: UInt64) -> UInt64 {
    let c1: UInt32 = 0x239B_961B
    let c2: UInt32 = 0xAB0E_9789
    let c3: UInt32 = 0x38B3_4AE5
    var h1 = rotatedLeft(UInt32(truncatingIfNeeded: key) &* c1, by: 15) &* c2
    var h2 = rotatedLeft(UInt32(truncatingIfNeeded: key >> 32) &* c2, by: 16) &* c3
    // Nothing of the key reaches the other two words, which stay alike.
    let byteCount: UInt32 = 8
    h1 ^= byteCount
    h2 ^= byteCount
    let h3 = byteCount
    h1 = h1 &+ h2 &+ h3 &+ h3
    h2 = mixed(h2 &+ h1)
    let rest = mixed(h3 &+ h1)
    h1 = mixed(h1) &+ h2 &+ rest &+ rest
    h2 = h2 &+ h1
    return UInt64(h1) | UInt64(h2) << 32
}

private func rotatedLeft(_ word: UInt32, by count: UInt32) -> UInt32 {
    word << count | word >> (32 - count)
}

/// The last step for each word, which spreads every bit over all.
private func mixed(_ word: UInt32) -> UInt32 {
    var word = word
    word ^= word >> 16
    word = word &* 0x85EB_CA6B
    word ^= word >> 13
    word = word &* 0xC2B2_AE35
    return word ^ word >> 16
}
