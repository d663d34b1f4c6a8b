// SPDX-License-Identifier: Apache-2.0

// One label out of eight, without a branch.
//
// Each voxel counts its equals among the *later* voxels only. The first occurrence of a label counts all
// others of it, later occurrences count fewer, so the largest count with ties to the first voxel is the most
// frequent label with ties to the first occurrence; and 28 compares do instead of 56.
//
// Counts have the width of the labels, so that a lane holds a label or its count. Equality is turned into a
// number by its bits: as `? 1 : 0` it would be a branch for the Swift optimizer, which then stops inlining.

/// A label as bits: a signed integer, because SSE2 and AVX2 compare signed lanes only.
protocol LabelBits: FixedWidthInteger, SignedInteger {
    /// 1 if the labels are equal, else 0.
    static func same(_ a: Self, _ b: Self) -> Self
    /// Whether `skim` is worth its test.
    static var skims: Bool { get }
    /// Writes boxes that need no counting, from `start` on; returns where it stopped.
    static func skim(
        _ rows: CubeRows<Self>,
        _ start: Int,
        _ count: Int,
        _ sparse: Bool,
        _ target: UnsafeMutablePointer<Self>
    ) -> Int
}

extension Int8: LabelBits {
    @inline(__always)
    static func same(_ a: Int8, _ b: Int8) -> Int8 { unsafeBitCast(a == b, to: Int8.self) }
}

extension Int16: LabelBits {
    @inline(__always)
    static func same(_ a: Int16, _ b: Int16) -> Int16 {
        Int16(truncatingIfNeeded: unsafeBitCast(a == b, to: Int8.self))
    }
}

extension Int32: LabelBits {
    @inline(__always)
    static func same(_ a: Int32, _ b: Int32) -> Int32 {
        Int32(truncatingIfNeeded: unsafeBitCast(a == b, to: Int8.self))
    }
}

extension Int64: LabelBits {
    @inline(__always)
    static func same(_ a: Int64, _ b: Int64) -> Int64 {
        Int64(truncatingIfNeeded: unsafeBitCast(a == b, to: Int8.self))
    }
}

/// The voxels of one 2x2x2 box, in the order that decides ties.
struct EightVoxels<T: LabelBits> {
    var v0: T
    var v1: T
    var v2: T
    var v3: T
    var v4: T
    var v5: T
    var v6: T
    var v7: T

    /// The most frequent label; ties: first in order.
    @inline(__always)
    var mostFrequent: T {
        var best = v0
        var most = later0
        prefer(v1, later1, &best, &most)
        prefer(v2, later2, &best, &most)
        prefer(v3, later3, &best, &most)
        prefer(v4, later4, &best, &most)
        prefer(v5, later5, &best, &most)
        prefer(v6, later6, &best, &most)
        return best  // v7 has no later equal, so it never exceeds another
    }

    /// The most frequent label that is not 0; ties: first in order; 0 if there is none.
    @inline(__always)
    var mostFrequentNonZero: T {
        var best: T = 0
        var most: T = -1
        prefer(v0, live(v0, later0), &best, &most)
        prefer(v1, live(v1, later1), &best, &most)
        prefer(v2, live(v2, later2), &best, &most)
        prefer(v3, live(v3, later3), &best, &most)
        prefer(v4, live(v4, later4), &best, &most)
        prefer(v5, live(v5, later5), &best, &most)
        prefer(v6, live(v6, later6), &best, &most)
        return most < 0 ? v7 : best
    }

    /// A label that occurs three times or more, by `mostFrequent`; else the first label with a pair among the
    /// first seven; else the eighth.
    @inline(__always)
    var countless: T {
        var best = v7
        var most: T = 0
        prefer(v0, pairless(later0, v0), &best, &most)
        prefer(v1, pairless(later1, v1), &best, &most)
        prefer(v2, pairless(later2, v2), &best, &most)
        prefer(v3, pairless(later3, v3), &best, &most)
        prefer(v4, pairless(later4, v4), &best, &most)
        prefer(v5, pairless(later5, v5), &best, &most)
        return best  // v6 has no later voxel among the first seven
    }

    /// Drops the eighth voxel from a count of one: a pair with it is none.
    @inline(__always)
    private func pairless(_ later: T, _ v: T) -> T {
        later &- (T.same(later, 1) & T.same(v, v7))
    }

    /// A count that is negative for label 0; eight labels have no count above 7.
    @inline(__always)
    private func live(_ v: T, _ later: T) -> T { later &- (same(v, 0) &<< 4) }

    @inline(__always)
    private func prefer(_ v: T, _ later: T, _ best: inout T, _ most: inout T) {
        if later > most {
            best = v
            most = later
        }
    }

    @inline(__always)
    private func same(_ a: T, _ b: T) -> T { T.same(a, b) }

    @inline(__always)
    private var later0: T {
        same(v0, v1) &+ same(v0, v2) &+ same(v0, v3) &+ same(v0, v4) &+ same(v0, v5) &+ same(v0, v6)
            &+ same(v0, v7)
    }
    @inline(__always)
    private var later1: T {
        same(v1, v2) &+ same(v1, v3) &+ same(v1, v4) &+ same(v1, v5) &+ same(v1, v6) &+ same(v1, v7)
    }
    @inline(__always)
    private var later2: T { same(v2, v3) &+ same(v2, v4) &+ same(v2, v5) &+ same(v2, v6) &+ same(v2, v7) }
    @inline(__always)
    private var later3: T { same(v3, v4) &+ same(v3, v5) &+ same(v3, v6) &+ same(v3, v7) }
    @inline(__always)
    private var later4: T { same(v4, v5) &+ same(v4, v6) &+ same(v4, v7) }
    @inline(__always)
    private var later5: T { same(v5, v6) &+ same(v5, v7) }
    @inline(__always)
    private var later6: T { same(v6, v7) }
}
