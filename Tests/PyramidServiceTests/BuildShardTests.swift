// SPDX-License-Identifier: Apache-2.0
import PyramidService
import Testing

@Test(
    "Shards cover everything once and differ by one at most, however much there is",
    arguments: [1, 2, 3, 7, 1_000],
    [0, 1, 6, 7, 100, 1 << 52, Int.max]
)
func shares(count: Int, total: Int) {
    var end = 0
    for index in 0..<count {
        let share = BuildShard(index: index, count: count).share(of: total)
        guard share.lowerBound == end, (0...1).contains(share.count - total / count) else {
            Issue.record("\(index)/\(count) of \(total): \(share)")
            return
        }
        end = share.upperBound
    }
    #expect(end == total)
}
