// SPDX-License-Identifier: Apache-2.0

// Skips boxes that need no counting: where the first voxel has four of the eight, every cube rule takes it
// (sparse: unless it is 0; then all eight must be 0). Most boxes of a segmentation lie inside a label, so
// wide labels are limited by this test; narrow ones are counted faster than they could be tested.
//
// Voxels stay where they lie: each pair of lanes holds two neighbours of one box, and the first voxel of each
// box is spread over its pair.

/// The four rows of a line of 2x2x2 boxes; `r0` holds the first voxel of each box.
///
/// A tuple, as no state of this module is a struct of more than one word: the compiler emits a shared
/// function for each size of struct, which copies its bytes, and the one of another instruction set must not
/// be linked.
typealias CubeRows<T> = (
    r0: UnsafePointer<T>, r1: UnsafePointer<T>, r2: UnsafePointer<T>, r3: UnsafePointer<T>
)

extension LabelBits {
    /// Nothing to skip for narrow labels.
    @inline(__always)
    static func skim(
        _ rows: CubeRows<Self>,
        _ start: Int,
        _ count: Int,
        _ sparse: Bool,
        _ target: UnsafeMutablePointer<Self>
    ) -> Int { start }

    @inline(__always)
    static var skims: Bool { false }
}

extension Int64 {
    @inline(__always)
    static var skims: Bool { true }

    /// Writes boxes from `start` on, four at a time, as long as they need no counting; returns where it
    /// stopped.
    @inline(__always)
    static func skim(
        _ rows: CubeRows<Int64>,
        _ start: Int,
        _ count: Int,
        _ sparse: Bool,
        _ target: UnsafeMutablePointer<Int64>
    ) -> Int {
        var i = start
        while i &+ 4 <= count {
            let low = firstVoxelWins(rows, i &* 2, sparse)
            let high = firstVoxelWins(rows, i &* 2 &+ 4, sparse)
            guard low.wins & high.wins == SIMD4(repeating: -1) else { break }
            UnsafeMutableRawPointer(target + i).storeBytes(
                of: SIMD4(low.first[0], low.first[2], high.first[0], high.first[2]),
                as: SIMD4<Int64>.self
            )
            i &+= 4
        }
        return i
    }

    /// All bits set in the lanes of boxes whose first voxel wins.
    @inline(__always)
    private static func firstVoxelWins(
        _ rows: CubeRows<Int64>,
        _ k: Int,
        _ sparse: Bool
    ) -> (wins: SIMD4<Int64>, first: SIMD4<Int64>) {
        let v0 = lanes(rows.r0, k)
        let first = SIMD4(v0[0], v0[0], v0[2], v0[2])
        let equals =
            same(v0, first) &+ same(lanes(rows.r1, k), first) &+ same(lanes(rows.r2, k), first)
            &+ same(lanes(rows.r3, k), first)
        let minusCount = equals &+ SIMD4(equals[1], equals[0], equals[3], equals[2])
        let four = unsafeBitCast(minusCount .< SIMD4(repeating: -3), to: SIMD4<Int64>.self)
        guard sparse else { return (four, first) }
        return (four & ~same(first, SIMD4()) | same(minusCount, SIMD4(repeating: -8)), first)
    }

    @inline(__always)
    private static func lanes(_ row: UnsafePointer<Int64>, _ k: Int) -> SIMD4<Int64> {
        UnsafeRawPointer(row + k).loadUnaligned(as: SIMD4<Int64>.self)
    }

    @inline(__always)
    private static func same(_ a: SIMD4<Int64>, _ b: SIMD4<Int64>) -> SIMD4<Int64> {
        unsafeBitCast(a .== b, to: SIMD4<Int64>.self)
    }
}
