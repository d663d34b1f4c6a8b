// SPDX-License-Identifier: Apache-2.0

/// Extremes, medians, striding and the exact mode: one kernel call a row, over all rows of its boxes.
final class BoxRunner: StageRunner {
    private let operation: Stage.Operation
    private let kernels: Kernels
    private let scratch: VoxelBuffer
    private let grid: RowGrid
    private let width: Int
    private let code: UInt8
    private let rankStep: Int
    private var patterns: ByMask<RowPattern>
    private var rows: RowPointers

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(_ stage: Stage, type: RowCode, kernels: Kernels, scratch: VoxelBuffer) throws(EngineError) {
        operation = stage.operation
        self.kernels = kernels
        self.scratch = scratch
        let grid = RowGrid(stage)
        self.grid = grid
        width = type.byteWidth
        code = type.code
        var rankSteps: [Int]?
        var firstOnly = false
        switch stage.operation {
        case .modeBox(let steps, _): rankSteps = steps
        case .stride: firstOnly = true
        default: break
        }
        rankStep = rankSteps?[0] ?? 0
        patterns = ByMask(grid) { [rankSteps, firstOnly] mask in
            RowPattern(grid, mask: mask, rankSteps: rankSteps, firstOnly: firstOnly)
        }
        rows = try RowPointers(capacity: stage.factors.dropFirst().reduce(1, *))
    }

    func reduce(_ input: SliceRun, from first: Int, into output: SliceRun) {
        guard var out = output.image, let base = input.image else { return }
        grid.forEachStretch(from: first, count: output.count, readingAhead: base, width: width, kernels) {
            stretch in
            let pattern = patterns[stretch.mask]
            rows.place(pattern.rows, at: base + stretch.begin * width, width: width)
            for _ in 0..<stretch.lines {
                reduceRow(pattern, into: out)
                rows.shift(by: stretch.step * width)
                out += grid.outputCount * width
            }
        }
    }

    private func reduceRow(_ pattern: RowPattern, into out: UnsafeMutableRawPointer) {
        let (factor, inputCount) = (grid.factors[0], grid.inputCount)
        switch operation {
        case .extreme(let isMax):
            kernels.extreme(code, isMax, rows.first, rows.count, factor, inputCount, out)
        case .median(let sparse):
            kernels.median(code, sparse, rows.first, rows.count, factor, inputCount, scratch.base, out)
        case .modeBox(_, let sparse):
            pattern.ranks.withUnsafeBufferPointer { ranks in
                guard let ranks = ranks.baseAddress else { return }
                kernels.modeBox(
                    width,
                    rows.first,
                    ranks,
                    rows.count,
                    factor,
                    rankStep,
                    inputCount,
                    sparse,
                    scratch.base,
                    out
                )
            }
        case .stride:
            kernels.strided(width, rows.first[0], factor, inputCount, out)
        case .integerAverage, .floatAverage, .modePlane, .modeFirst, .modeCountless, .modeLine:
            preconditionFailure("not an operation of whole boxes")
        }
    }
}
