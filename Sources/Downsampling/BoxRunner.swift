// SPDX-License-Identifier: Apache-2.0

/// Extremes, medians, striding and the exact mode: one kernel call a row, over all rows of its boxes.
final class BoxRunner: StageRunner {
    private let stage: Stage
    private let kernels: Kernels
    private let scratch: VoxelBuffer
    private var grid: RowGrid
    private let width: Int
    private let code: UInt8
    private var rows: [UnsafeRawPointer] = []
    private var ranks: [Int] = []

    init(_ stage: Stage, type: RowCode, kernels: Kernels, scratch: VoxelBuffer) {
        self.stage = stage
        self.kernels = kernels
        self.scratch = scratch
        grid = RowGrid(stage)
        width = type.byteWidth
        code = type.code
        let capacity = stage.factors.dropFirst().reduce(1, *)
        rows.reserveCapacity(capacity)
        ranks.reserveCapacity(capacity)
    }

    func reduce(_ window: UnsafeBufferPointer<Slice>, at index: Int, into out: Slice) {
        guard var output = out.image else { return }
        let rowByteCount = grid.outputCount * width
        for _ in 0..<grid.rowCount {
            gather(window)
            rows.withUnsafeBufferPointer { rows in
                if let first = rows.baseAddress { reduceRow(first, rows.count, into: output) }
            }
            output += rowByteCount
            grid.advance()
        }
    }

    private func reduceRow(
        _ rows: UnsafePointer<UnsafeRawPointer>,
        _ rowCount: Int,
        into output: UnsafeMutableRawPointer
    ) {
        let factor = grid.factors[0]
        let inputCount = grid.inputCount
        switch stage.operation {
        case .extreme(let isMax):
            kernels.extreme(code, isMax, rows, rowCount, factor, inputCount, output)
        case .median(let sparse):
            kernels.median(code, sparse, rows, rowCount, factor, inputCount, scratch.base, output)
        case .modeBox(let rankSteps, let sparse):
            ranks.withUnsafeBufferPointer { ranks in
                guard let first = ranks.baseAddress else { return }
                kernels.modeBox(
                    width,
                    rows,
                    first,
                    rowCount,
                    factor,
                    rankSteps[0],
                    inputCount,
                    sparse,
                    scratch.base,
                    output
                )
            }
        case .stride:
            kernels.strided(width, rows[0], factor, inputCount, output)
        case .integerAverage, .floatAverage, .modePlane, .modeFirst, .modeCountless, .modeLine:
            preconditionFailure("not an operation of whole boxes")
        }
    }

    /// The rows of the boxes at the grid's row; striding needs the first alone.
    private func gather(_ window: UnsafeBufferPointer<Slice>) {
        rows.removeAll(keepingCapacity: true)
        ranks.removeAll(keepingCapacity: true)
        let begin = grid.rowBegin
        if case .stride = stage.operation {
            if let image = window[0].image { rows.append(image + begin * width) }
            return
        }
        var rankSteps: [Int]?
        if case .modeBox(let steps, _) = stage.operation { rankSteps = steps }
        let streamStep = rankSteps?[grid.stream] ?? 0
        for (index, slice) in window.enumerated() {
            guard let image = slice.image else { continue }
            let base = image + begin * width
            grid.forEachRowOfBox(rankSteps: rankSteps) { offset, rank in
                rows.append(base + offset * width)
                if rankSteps != nil { ranks.append(rank + index * streamStep) }
            }
        }
    }
}
