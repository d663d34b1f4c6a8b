// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite("Mode of boxes of any size")
struct BoxModeTests {
    private func check<T: FixedWidthInteger>(
        _ kernels: KernelSet,
        _ voxels: [T],
        rowCount: Int,
        factor: Int,
        rankOf: (_ row: Int) -> Int,
        rankStep: Int
    ) {
        let inputCount = voxels.count / rowCount
        let outputCount = (inputCount + factor - 1) / factor
        let width = MemoryLayout<T>.size
        let ranks = (0..<rowCount).map(rankOf)
        for sparse in [false, true] {
            let expected = (0..<outputCount).map { i in
                var box: [(label: T, rank: Int)] = []
                for r in 0..<rowCount {
                    for k in i * factor..<min((i + 1) * factor, inputCount) {
                        box.append((voxels[r * inputCount + k], ranks[r] + (k - i * factor) * rankStep))
                    }
                }
                return LabelReference.ranked(box, sparse: sparse)
            }
            let places = (0..<rowCount).map { $0 * inputCount }
            let byteCount = kernels.modeBoxScratchByteCount(width, rowCount * min(factor, inputCount))
            let made = withScratch(byteCount: byteCount) { scratch in
                output(of: voxels, at: places, count: outputCount, sentinel: 99) { rows, out in
                    kernels.modeBox(
                        width,
                        rows,
                        ranks,
                        rowCount,
                        factor,
                        rankStep,
                        inputCount,
                        sparse,
                        scratch,
                        out
                    )
                }
            }
            #expect(made == expected, "\(T.self), \(rowCount) rows, factor \(factor), sparse \(sparse)")
        }
    }

    private func checkRandom<T: FixedWidthInteger>(_ type: T.Type, _ kernels: KernelSet) {
        var generator = SeededGenerator(state: 11)
        for (rowCount, factor, inputCount) in [
            (1, 2, 9), (3, 3, 20), (9, 3, 31), (4, 4, 50), (16, 4, 41), (5, 1, 17), (64, 8, 19),
            (7, 300, 500),
            (2, 5000, 1501), (60, 60, 150),
        ] {
            for labelCount in [1, 3, 20, 100, 100_000] {
                // Runs of labels as in a segmentation, then noise.
                for longestRun in [1, 12] {
                    var voxels: [T] = []
                    while voxels.count < rowCount * inputCount {
                        let label = T(
                            truncatingIfNeeded: Int.random(in: 0..<labelCount, using: &generator) &* 0x10_0021
                        )
                        let length = Int.random(in: 1...longestRun, using: &generator)
                        voxels += [T](repeating: label, count: length)
                    }
                    voxels.removeLast(voxels.count - rowCount * inputCount)
                    check(
                        kernels,
                        voxels,
                        rowCount: rowCount,
                        factor: factor,
                        rankOf: { $0 * factor },
                        rankStep: 1
                    )
                    check(
                        kernels,
                        voxels,
                        rowCount: rowCount,
                        factor: factor,
                        rankOf: { ($0 * 7) % rowCount },
                        rankStep: rowCount
                    )
                }
            }
        }
    }

    @Test(
        "The most frequent label of a box wins, ties to the lowest rank of a first occurrence",
        arguments: KernelSet.all
    )
    func random(kernels: KernelSet) {
        checkRandom(UInt8.self, kernels)
        checkRandom(UInt16.self, kernels)
        checkRandom(UInt32.self, kernels)
        checkRandom(UInt64.self, kernels)
    }

    /// Labels that all want the same slot of the kernel's table.
    private func colliding<T: FixedWidthInteger>(_ type: T.Type, below limit: UInt64, lowBits: UInt64) -> [T]
    {
        (1..<limit).compactMap { label in
            var mixed = label &* 0x9E37_79B9_7F4A_7C15
            mixed ^= mixed >> 32
            mixed = mixed &* 0xD6E8_FEB8_6659_FD93
            return (mixed >> 32) & lowBits == 0 ? T(label) : nil
        }
    }

    @Test("Labels that were chosen to collide are counted right", arguments: KernelSet.all)
    func collisions(kernels: KernelSet) {
        var generator = SeededGenerator(state: 3)
        let short = colliding(UInt16.self, below: 1 << 15, lowBits: 255)
        let middle = colliding(UInt32.self, below: 1 << 21, lowBits: 4095)
        let long = colliding(UInt64.self, below: 1 << 21, lowBits: 4095)
        check(
            kernels,
            (short + short).shuffled(using: &generator) + short.prefix(3),
            rowCount: 1,
            factor: 5000,
            rankOf: { $0 },
            rankStep: 1
        )
        check(
            kernels,
            (middle + middle).shuffled(using: &generator) + middle.suffix(2),
            rowCount: 1,
            factor: 5000,
            rankOf: { $0 },
            rankStep: 1
        )
        check(
            kernels,
            (long + long).shuffled(using: &generator),
            rowCount: 2,
            factor: 400,
            rankOf: { 1 - $0 },
            rankStep: 2
        )
    }
}
