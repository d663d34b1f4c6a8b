// SPDX-License-Identifier: Apache-2.0
internal import Voxels

// Rules (docs/semantics.md 2.1 and 3):
// * compat: the mean of means over existing voxels, kept exact, truncated only when it is rendered. Sums are
//   weighted so that every box of a mip has one divisor: along an axis with a last box of r voxels, L = lcm(f, r)
//   weighs L / f in full boxes and L / r in the last; an axis of one box weighs 1, and L = r.
// * Not sparse, the sums restart from the rendered image after every `period` mips.
// * exact: plain sums over the source, divided by the number of source voxels, ties to even.

extension StagePlanner {
    /// How often compat averages restart; `nil`: never.
    static func restartPeriod(_ type: VoxelType, _ factor: Factor) -> Int? {
        guard type.byteWidth < 4 else { return 1 }
        switch factor.entries {
        case [2, 2, 1, 1, 1]: return 4
        case [2, 2, 2, 1, 1]: return type.byteWidth == 1 ? 8 : 5
        default: return nil
        }
    }

    func compatAverages() throws(PlanError) -> [Stage] {
        let image = RowCode(spec.type)
        let period = spec.sparse ? nil : StagePlanner.restartPeriod(spec.type, spec.factor)
        var stages: [Stage] = []
        var sizes = geometry.partSizes
        var divisor = 1
        var previous: IntegerAverage?
        for mip in 1...mips {
            let scales = zip(sizes, geometry.partFactors).map { AxisScale(size: $0, factor: $1) }
            for scale in scales {
                let (product, overflow) = divisor.multipliedReportingOverflow(by: scale.total)
                guard !overflow, product < 1 << 62 else { throw .sumsTooWide }
                divisor = product
            }
            let bits = spec.type.byteWidth * 8 + divisor.ceilLog2
            guard let sum = RowCode(sumBits: bits, isSigned: spec.type.isSigned),
                let count = RowCode(sumBits: divisor.ceilLog2 + 1, isSigned: false)
            else { throw .sumsTooWide }
            let average = IntegerAverage(
                image: image,
                input: previous?.sum ?? image,
                inputCount: previous?.count,
                readsSums: previous != nil,
                sum: sum,
                sumBits: bits,
                count: spec.sparse ? count : nil,
                divisor: spec.sparse ? .counted : .uniform(divisor),
                roundsToEven: false,
                fullScales: scales.map(\.full),
                lastScales: scales.map(\.last)
            )
            let stage = Stage(
                factors: geometry.partFactors,
                inSizes: sizes,
                operation: .integerAverage(average),
                mip: mip
            )
            sizes = stage.outSizes
            stages.append(stage)
            previous = average
            if let period, mip % period == 0 {
                previous = nil
                divisor = 1
            }
        }
        return stages
    }

    func exactAverages() throws(PlanError) -> [Stage] {
        let image = RowCode(spec.type)
        let ones = geometry.partSizes.map { _ in 1 }
        var stages: [Stage] = []
        var sizes = geometry.partSizes
        var reach = ones
        var previous: IntegerAverage?
        for mip in 1...mips {
            reach = sourceReach(reach)
            let volume = reach.reduce(1) { $0.multiplied(by: $1, atMost: 1 << 62) }
            let bits = spec.type.byteWidth * 8 + volume.ceilLog2
            // One bit more for the half that rounding adds.
            guard volume < 1 << 62, let sum = RowCode(sumBits: bits + 1, isSigned: spec.type.isSigned),
                let count = RowCode(sumBits: volume.ceilLog2 + 1, isSigned: false)
            else { throw .sumsTooWide }
            let average = IntegerAverage(
                image: image,
                input: previous?.sum ?? image,
                inputCount: previous?.count,
                readsSums: previous != nil,
                sum: sum,
                sumBits: bits,
                count: spec.sparse ? count : nil,
                divisor: spec.sparse ? .counted : .voxelCount(full: reach, last: lastReach(reach)),
                roundsToEven: true,
                fullScales: ones,
                lastScales: ones
            )
            let stage = Stage(
                factors: geometry.partFactors,
                inSizes: sizes,
                operation: .integerAverage(average),
                mip: mip
            )
            sizes = stage.outSizes
            stages.append(stage)
            previous = average
        }
        return stages
    }

    /// Source voxels of a full box along each axis, one mip on.
    func sourceReach(_ reach: [Int]) -> [Int] {
        zip(zip(reach, geometry.partFactors), geometry.partSizes).map { pair, size in
            pair.0.multiplied(by: pair.1, atMost: max(size, 1))
        }
    }

    /// Source voxels of the last box along each axis.
    func lastReach(_ reach: [Int]) -> [Int] {
        zip(reach, geometry.partSizes).map { reach, size in
            size - (max(reach.dividingUp(size), 1) - 1) * reach
        }
    }
}

/// The weights of one axis in a compat average.
private struct AxisScale {
    let full: Int
    let last: Int
    /// What the weights of a box add up to.
    let total: Int

    init(size: Int, factor: Int) {
        let boxes = factor.dividingUp(size)
        guard boxes > 1 else {
            (full, last, total) = (1, 1, max(size, 1))
            return
        }
        let rest = size - (boxes - 1) * factor
        var (a, b) = (factor, rest)
        while b != 0 { (a, b) = (b, a % b) }
        // lcm(factor, rest) = factor / gcd * rest; where it overflows, the caller's product does as well.
        total = (factor / a).multiplied(by: rest, atMost: 1 << 62)
        full = rest / a
        last = factor / a
    }
}
