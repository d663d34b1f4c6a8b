// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Testing
import Volumes
import Voxels

@testable import PyramidService

@Suite struct LevelRulesTests {
    private static func volume(_ size: Extent3, begin: Int = 0) throws -> VolumeInfo {
        try VolumeInfo.forUpload(
            kind: .image,
            type: .uint8,
            channels: 1,
            size: size,
            voxelOffset: Extent3(repeating: begin),
            voxelSize: VoxelSize(1, 1, 1)
        )
    }

    @Test(
        "Whole factors of compat averages never wrap around, however many levels are asked for",
        arguments: [Extent3(64, 1, 1), Extent3(32, 32, 1), Extent3(63, 3, 1), Extent3(64, 64, 64)],
        [11, 13, 32]
    )
    func wholeFactors(factor: Extent3, mips: Int) throws {
        let info = try Self.volume(Extent3(300, 5, 2))
        let made: [MadeScale]
        do throws(InfoError) {
            made = try LevelPlanner.plan(info, LevelRequest(factor: .fixed(factor), mips: .count(mips)))
        } catch {
            // Voxels above 1e30 nm are refused before.
            #expect(mips == 32)
            return
        }
        let rules = LevelRules(method: .average, precision: .compat, sparse: false)
        for rule in try rules.rules(for: made, of: info) {
            #expect(rule.factor.entries.allSatisfy { $0 >= 1 })
            let bounds = info.scales[0].bounds
            let last = made[rule.steps - 1].scale.bounds
            #expect(rule.sourceBox(of: last, in: bounds) == bounds)
        }
    }

    @Test("The text of rules never changes: what is kept is known by it") func text() {
        let rules = [
            LevelRule(
                base: 0,
                stepFactor: Extent3(2, 2, 1),
                steps: 1,
                method: .average,
                precision: .exact,
                sparse: false
            ),
            LevelRule(
                base: 1,
                stepFactor: Extent3(2, 3, 4),
                steps: 4,
                method: .mode,
                precision: .compat,
                sparse: true
            ),
        ]
        #expect(
            LevelRule.text(rules)
                == "base=0 factor=2,2,1 steps=1 method=average precision=exact sparse=false;"
                + "base=1 factor=2,3,4 steps=4 method=mode precision=compat sparse=true"
        )
        #expect(LevelRule.text([]) == "")
    }

    @Test("An offset that is no multiple of a whole factor is refused in words, however large the factor")
    func misaligned() throws {
        let info = try Self.volume(Extent3(300, 5, 2), begin: 64)
        let request = LevelRequest(factor: .fixed(Extent3(64, 1, 1)), mips: .count(11))
        let made = try LevelPlanner.plan(info, request)
        let rules = LevelRules(method: .average, precision: .compat, sparse: false)
        let refusal = #expect(throws: LevelRules.Refusal.self) { try rules.rules(for: made, of: info) }
        #expect(refusal?.message.contains("voxel offset") == true)
    }
}
