// SPDX-License-Identifier: Apache-2.0

// A line is a part whose slices are single voxels: an array of one axis, or one whose only long axis is the last in
// memory. Taken as rows, its voxels would come one by one. So windows are laid along the row: the streaming axis and
// that of the row change places, and a stretch of the line is one row of a small stage of its own.

extension Stage {
    /// Lines below this are as well taken voxel by voxel.
    private static let leastLineCount = 64

    /// Whether slices of its input are single voxels, and there are many.
    var isLine: Bool {
        inSizes[stream] >= Stage.leastLineCount && inSizes.dropLast().allSatisfy { $0 == 1 }
    }

    /// Slices of the last window along the streaming axis.
    var lastWindow: Int { inSizes[stream] - (outSizes[stream] - 1) * window }

    /// The stage that makes `count` windows of a line out of one row; none of them is the line's last.
    func row(ofWindows count: Int) -> Stage { row(of: count * window, isLast: false) }

    /// The stage that makes a line's last window out of one row.
    ///
    /// It looks to it like a full one: not for operations that treat an axis of one box apart.
    var rowOfLastWindow: Stage { row(of: lastWindow, isLast: true) }

    private func row(of count: Int, isLast: Bool) -> Stage {
        var sizes = inSizes
        sizes[stream] = 1
        sizes[0] = count
        var stage = Stage(
            factors: factors.swapping(0, stream),
            inSizes: sizes,
            operation: operation.swapping(0, stream, isLast: isLast),
            mip: mip
        )
        stage.carry = carry
        stage.makesImage = makesImage
        stage.readsSource = readsSource
        return stage
    }
}

extension Stage.Operation {
    /// The same with two axes in each other's place, where all boxes are full, or where there is only the last.
    fileprivate func swapping(_ a: Int, _ b: Int, isLast: Bool) -> Self {
        switch self {
        case .integerAverage(let average):
            let scales = (isLast ? average.lastScales : average.fullScales).swapping(a, b)
            var divisor = average.divisor
            if case .voxelCount(let full, let last) = divisor {
                let reach = (isLast ? last : full).swapping(a, b)
                divisor = .voxelCount(full: reach, last: reach)
            }
            return .integerAverage(average.with(divisor: divisor, fullScales: scales, lastScales: scales))
        case .floatAverage(let average):
            return .floatAverage(
                FloatAverage(
                    rule: average.rule.swapping(a, b, isLast: isLast),
                    width: average.width,
                    isSparse: average.isSparse,
                    readsSums: average.readsSums,
                    readsCounts: average.readsCounts,
                    order: average.order.map { $0 == a ? b : $0 == b ? a : $0 },
                    rescueOrder: average.rescueOrder.map { $0 == a ? b : $0 == b ? a : $0 },
                    xAxis: average.xAxis.map { $0 == a ? b : $0 == b ? a : $0 }
                )
            )
        case .modePlane(let box, let sparse, let nearIsSecond):
            return .modePlane(box.swapping(a, b), sparse: sparse, nearIsSecond: nearIsSecond)
        case .modeFirst(let box, let sparse): return .modeFirst(box.swapping(a, b), sparse: sparse)
        case .modeCountless(let box): return .modeCountless(box.swapping(a, b))
        case .modeLine(let box, let sparse): return .modeLine(box.swapping(a, b), sparse: sparse)
        case .modeBox(let steps, let sparse):
            return .modeBox(rankSteps: steps.swapping(a, b), sparse: sparse)
        case .extreme, .median, .stride: return self
        }
    }
}

extension FloatAverage.Rule {
    fileprivate func swapping(_ a: Int, _ b: Int, isLast: Bool) -> Self {
        guard case .exact(let full, let last, let fullBefore, let lastBefore) = self else { return self }
        let reach = (isLast ? last : full).swapping(a, b)
        return .exact(
            full: reach,
            last: reach,
            fullBefore: fullBefore.swapping(a, b),
            lastBefore: (isLast ? lastBefore : fullBefore).swapping(a, b)
        )
    }
}

extension MirroredBox {
    fileprivate func swapping(_ a: Int, _ b: Int) -> MirroredBox {
        MirroredBox(positions: positions.map { $0.swapping(a, b) })
    }
}

extension IntegerAverage {
    /// The same sums of the same types, over another divisor and with other weights.
    func with(divisor: Divisor, fullScales: [Int], lastScales: [Int]) -> IntegerAverage {
        IntegerAverage(
            image: image,
            input: input,
            inputCount: inputCount,
            readsSums: readsSums,
            sum: sum,
            sumBits: sumBits,
            count: count,
            divisor: divisor,
            roundsToEven: roundsToEven,
            fullScales: fullScales,
            lastScales: lastScales
        )
    }
}

extension [Int] {
    /// With the values at two places exchanged.
    fileprivate func swapping(_ a: Int, _ b: Int) -> [Int] {
        var result = self
        result.swapAt(a, b)
        return result
    }
}
