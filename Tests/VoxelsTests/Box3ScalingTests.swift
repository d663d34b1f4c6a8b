// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@Suite struct Box3ScalingTests {
    @Test("Quotients are rounded down or up for negative numbers too")
    func quotients() {
        for value in -20...20 {
            for divisor in 1...7 {
                let exact = Double(value) / Double(divisor)
                #expect(value.floorDivided(by: divisor) == Int(exact.rounded(.down)))
                #expect(value.ceilDivided(by: divisor) == Int(exact.rounded(.up)))
            }
        }
        #expect(Int.min.floorDivided(by: 2) == Int.min / 2)
        #expect(Int.max.ceilDivided(by: 2) == Int.max / 2 + 1)
        #expect(Int.min.floorDivided(by: .max) == -2)
    }

    @Test("Blocks are aligned to position 0, so that a level's begin is rounded down and its end up")
    func downsampled() {
        let box = Box3(begin: Extent3(-70, 13, 5), end: Extent3(133, 164, 72))
        let level = box.downsampled(by: Extent3(4, 2, 1))
        #expect(level == Box3(begin: Extent3(-18, 6, 5), end: Extent3(34, 82, 72)))
        let back = level.upsampled(by: Extent3(4, 2, 1))
        #expect(back == Box3(begin: Extent3(-72, 12, 5), end: Extent3(136, 164, 72)))
        #expect(back.contains(box))
    }

    @Test("Products beyond 63 bits become the largest numbers there are")
    func clamped() {
        let box = Box3(begin: Extent3(.min, -3, 1 << 62), end: Extent3(.max, 4, .max))
        let level = box.upsampled(by: Extent3(2, 2, 2))
        #expect(level == Box3(begin: Extent3(.min, -6, .max), end: Extent3(.max, 8, .max)))
    }
}
