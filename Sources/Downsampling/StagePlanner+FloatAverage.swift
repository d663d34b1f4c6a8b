// SPDX-License-Identifier: Apache-2.0
internal import Voxels

extension StagePlanner {
    func floatAverages() -> [Stage] {
        let xFastest = axesByLogical
        let entries = spec.factor.entries
        let isPlane = entries == [2, 2, 1, 1, 1]
        let isPaired = isPlane || entries == [2, 2, 2, 1, 1]
        let volume = entries.reduce(1.0) { $0 * Double($1) }
        let voxel = RowCode(spec.type)
        let wide = RowCode(.float64)

        var stages: [Stage] = []
        var sizes = geometry.partSizes
        var divisor = 1.0
        var reach = sizes.map { _ in 1 }
        for mip in 1...mips {
            let before = reach
            reach = sourceReach(reach)
            for (size, factor) in zip(sizes, geometry.partFactors) where factor == 2 && size > 1 {
                divisor *= 2
            }
            var carry = Carry()
            let rule: FloatAverage.Rule
            var order = xFastest
            if spec.precision == .exact {
                rule = .exact(
                    full: reach,
                    last: lastReach(reach),
                    fullBefore: before,
                    lastBefore: lastReach(before)
                )
                carry = Carry(sum: wide, count: spec.sparse ? wide : nil)
            } else if !isPaired {
                rule = spec.sparse ? .otherSparse(volume: volume) : .other
                carry = spec.sparse ? Carry(sum: wide, count: wide) : Carry()
                order = xFastest.reversed()
            } else if isSingle {
                rule = .once
            } else {
                rule = .carry(divisor: divisor, columnsFirst: isPlane)
                carry = Carry(sum: voxel, count: spec.sparse ? wide : nil)
            }
            let average = FloatAverage(
                rule: rule,
                width: spec.type.byteWidth,
                isSparse: spec.sparse,
                readsSums: mip > 1 && carry.sum != nil,
                readsCounts: mip > 1 && carry.count != nil,
                order: order,
                rescueOrder: xFastest,
                xAxis: xFastest.first { geometry.axes[$0].logical == 0 }
            )
            var stage = Stage(
                factors: geometry.partFactors,
                inSizes: sizes,
                operation: .floatAverage(average),
                mip: mip
            )
            stage.carry = carry
            sizes = stage.outSizes
            stages.append(stage)
        }
        return stages
    }
}
