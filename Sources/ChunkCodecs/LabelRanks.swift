// SPDX-License-Identifier: Apache-2.0

/// Brings the first `count` of `values`, few and distinct, in order; `ranks[i]` becomes the place of what was `values[i]`.
///
/// Each is compared with all others: for so few that costs less than a sort.
func sortFew<Label: FixedWidthInteger, Rank: FixedWidthInteger>(
    _ values: UnsafeMutablePointer<Label>,
    count: Int,
    ranks: UnsafeMutablePointer<Rank>
) {
    withUnsafeTemporaryAllocation(of: Label.self, capacity: count) { sorted in
        for index in 0..<count {
            var rank = 0
            for other in 0..<count where values[other] < values[index] { rank &+= 1 }
            ranks[index] = Rank(truncatingIfNeeded: rank)
            sorted[rank] = values[index]
        }
        for index in 0..<count { values[index] = sorted[index] }
    }
}
