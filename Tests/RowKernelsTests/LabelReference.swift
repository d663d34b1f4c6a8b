// SPDX-License-Identifier: Apache-2.0

/// The label rules as docs/downsampling.md states them, one box at a time.
enum LabelReference {
    static func plane<T: FixedWidthInteger>(_ a: T, _ b: T, _ c: T, _ d: T) -> T {
        if a == b || a == c { return a }
        return b == c ? b : d
    }

    static func planeSparse<T: FixedWidthInteger>(_ a: T, _ b: T, _ c: T, _ d: T, nearIsB: Bool) -> T {
        var pick: T = 0
        if a == b || a == c { pick = a } else if b == c { pick = b }
        let order = nearIsB ? [pick, d, a, b, c] : [pick, d, a, c, b]
        return order.first { $0 != 0 } ?? 0
    }

    /// The most frequent label, ties to the first in order.
    static func first<T: FixedWidthInteger>(_ box: [T], sparse: Bool) -> T {
        let live = sparse ? box.filter { $0 != 0 } : box
        var best: (label: T, count: Int) = (0, 0)
        for label in live {
            let count = live.filter { $0 == label }.count
            if count > best.count { best = (label, count) }
        }
        return best.label
    }

    static func countless<T: FixedWidthInteger>(_ box: [T]) -> T {
        let top = first(box, sparse: false)
        if box.filter({ $0 == top }).count >= 3 { return top }
        let head = box.prefix(7)
        return head.first { label in head.filter { $0 == label }.count >= 2 } ?? box[7]
    }

    /// The most frequent label of (label, rank) pairs, ties to the lowest rank.
    static func ranked<T: FixedWidthInteger>(_ box: [(label: T, rank: Int)], sparse: Bool) -> T {
        var tally: [T: (count: Int, rank: Int)] = [:]
        for voxel in box where !(sparse && voxel.label == 0) {
            let entry = tally[voxel.label] ?? (0, .max)
            tally[voxel.label] = (entry.count + 1, min(entry.rank, voxel.rank))
        }
        let winner = tally.max { ($0.value.count, -$0.value.rank) < ($1.value.count, -$1.value.rank) }
        return winner?.key ?? 0
    }
}
