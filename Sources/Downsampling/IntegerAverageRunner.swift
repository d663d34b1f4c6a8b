// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Averages of integers, see `StagePlanner+IntegerAverage.swift` for the rules.
///
/// Rows whose boxes are 2^n voxels take a loop that sums and renders in one pass; clipped boxes and all other
/// factors take two: sums, then voxels.
final class IntegerAverageRunner: StageRunner {
    private let stage: Stage
    private let average: IntegerAverage
    private let kernels: Kernels
    private let scratch: VoxelBuffer
    private var grid: RowGrid
    private var rows: [UnsafeRawPointer] = []
    /// Magnitude of the shift that renders a full box; `nil` where one-pass rows do not apply.
    private let pairShift: Int?
    private let columns: UnsafeMutableRawPointer
    private let rowSums: UnsafeMutableRawPointer
    private let rowCounts: UnsafeMutableRawPointer

    init(_ stage: Stage, _ average: IntegerAverage, kernels: Kernels, scratch: VoxelBuffer) {
        self.stage = stage
        self.average = average
        self.kernels = kernels
        self.scratch = scratch
        grid = RowGrid(stage)
        rows.reserveCapacity(stage.factors.dropFirst().reduce(1, *))
        pairShift = IntegerAverageRunner.pairShift(stage, average)
        columns = scratch.base
        rowSums = columns + stage.inSizes[0] * 16
        rowCounts = rowSums + stage.outSizes[0] * 16
    }

    static func scratchByteCount(_ stage: Stage) -> Int {
        stage.inSizes[0] * 16 + stage.outSizes[0] * (16 + 8)
    }

    private static func pairShift(_ stage: Stage, _ average: IntegerAverage) -> Int? {
        let rowFactors = stage.factors.dropFirst().filter { $0 > 1 }
        guard average.count == nil, stage.factors.allSatisfy({ $0 <= 2 }), rowFactors.count <= 2 else {
            return nil
        }
        switch average.divisor {
        case .uniform(let divisor):
            return divisor & (divisor - 1) == 0 && divisor > 1 ? divisor.trailingZeroBitCount : nil
        case .voxelCount(let full, _):
            let divisor = full.reduce(1, *)
            return divisor & (divisor - 1) == 0 && divisor > 1 ? divisor.trailingZeroBitCount : nil
        case .counted:
            return nil
        }
    }

    func reduce(_ window: UnsafeBufferPointer<Slice>, at index: Int, into out: Slice) {
        var out = out
        for _ in 0..<grid.rowCount {
            if !reducePairs(window, at: index, into: out) {
                reduceBoxes(window, at: index, from: 0, count: grid.inputCount, into: out)
            }
            let count = grid.outputCount
            out.image = out.image.map { $0 + count * average.image.byteWidth }
            out.sums = out.sums.map { $0 + count * average.sum.byteWidth }
            out.counts = out.counts.map { $0 + count * (average.count?.byteWidth ?? 0) }
            grid.advance()
        }
    }

    /// One pass over the full boxes of a row, and the general way for a clipped last one.
    ///
    /// A row clipped at an edge of a compat average is taken twice: that is its weight.
    private func reducePairs(_ window: UnsafeBufferPointer<Slice>, at index: Int, into out: Slice) -> Bool {
        guard let pairShift else { return false }
        gather(window, mirrored: !average.roundsToEven)
        let factor = grid.factors[0]
        let wanted = grid.factors.dropFirst().reduce(1, *)
        let full = grid.inputCount / factor
        guard rows.count == wanted, full > 0, isFull(index) else { return false }
        let done = rows.withUnsafeBufferPointer { rows in
            guard let first = rows.baseAddress else { return false }
            return kernels.averagePairs(
                average.input.code,
                average.sum.code,
                average.image.code,
                first,
                rows.count,
                factor,
                full,
                pairShift,
                average.roundsToEven,
                out.sums,
                out.image
            )
        }
        guard done else { return false }
        if full * factor < grid.inputCount {
            var last = out
            last.image = out.image.map { $0 + full * average.image.byteWidth }
            last.sums = out.sums.map { $0 + full * average.sum.byteWidth }
            reduceBoxes(
                window,
                at: index,
                from: full * factor,
                count: grid.inputCount - full * factor,
                into: last
            )
        }
        return true
    }

    /// Whether exact boxes of this row have the divisor of a full box, but for the last along the row.
    private func isFull(_ index: Int) -> Bool {
        guard case .voxelCount(let full, let last) = average.divisor else { return true }
        // The last box along the row is told apart only where it is clipped at this mip.
        let rowIsEven = full[0] == last[0] || grid.inputCount % grid.factors[0] != 0
        return rowIsEven && sourceExtent(index) == full.dropFirst().reduce(1, *)
    }

    /// Source voxels of the box at this row along all axes but the row's.
    private func sourceExtent(_ index: Int) -> Int {
        guard case .voxelCount(let full, let last) = average.divisor else { return 1 }
        var extent = 1
        for axis in 1...grid.stream {
            let place = axis == grid.stream ? index : grid.at[axis]
            extent *= place == grid.outSizes[axis] - 1 ? last[axis] : full[axis]
        }
        return extent
    }

    /// Sums, then voxels, of the boxes over `count` inputs from `first` on: to the end of the row.
    private func reduceBoxes(
        _ window: UnsafeBufferPointer<Slice>,
        at index: Int,
        from first: Int,
        count: Int,
        into out: Slice
    ) {
        let factor = grid.factors[0]
        let outputs = factor.dividingUp(count)
        let scale = rowScale(index)
        let sums = out.sums ?? rowSums
        gather(window, mirrored: false, from: first)
        sum(count, average.fullScales[0] * scale, average.lastScales[0] * scale, into: sums)
        if let countType = average.count {
            let counts = out.counts ?? rowCounts
            if average.inputCount != nil { gatherCounts(window) }
            countRows(count, average.fullScales[0] * scale, average.lastScales[0] * scale, into: counts)
            guard let image = out.image else { return }
            kernels.renderSparseRow(
                average.sum.code,
                countType.code,
                average.image.code,
                sums,
                counts,
                outputs,
                average.sumBits,
                average.roundsToEven,
                image
            )
            return
        }
        guard let image = out.image else { return }
        var (divisor, lastDivisor) = (1, 1)
        switch average.divisor {
        case .uniform(let uniform):
            (divisor, lastDivisor) = (uniform, uniform)
        case .voxelCount(let full, let last):
            let extent = sourceExtent(index)
            (divisor, lastDivisor) = (full[0] * extent, last[0] * extent)
        case .counted:
            break
        }
        kernels.renderRow(
            average.sum.code,
            average.image.code,
            sums,
            outputs,
            divisor,
            lastDivisor,
            average.sumBits,
            average.roundsToEven,
            image
        )
    }

    private func sum(_ count: Int, _ scale: Int, _ lastScale: Int, into sums: UnsafeMutableRawPointer) {
        rows.withUnsafeBufferPointer { rows in
            guard let first = rows.baseAddress else { return }
            kernels.sumRows(
                average.input.code,
                average.sum.code,
                first,
                rows.count,
                grid.factors[0],
                count,
                scale,
                lastScale,
                columns,
                sums
            )
        }
    }

    private func countRows(_ count: Int, _ scale: Int, _ lastScale: Int, into counts: UnsafeMutableRawPointer)
    {
        guard let type = average.count else { return }
        rows.withUnsafeBufferPointer { rows in
            guard let first = rows.baseAddress else { return }
            if let input = average.inputCount {
                kernels.sumRows(
                    input.code,
                    type.code,
                    first,
                    rows.count,
                    grid.factors[0],
                    count,
                    scale,
                    lastScale,
                    columns,
                    counts
                )
            } else {
                kernels.countRows(
                    average.image.byteWidth,
                    type.code,
                    first,
                    rows.count,
                    grid.factors[0],
                    count,
                    scale,
                    lastScale,
                    columns,
                    counts
                )
            }
        }
    }

    /// Weight of the box at this row along all axes but the row's.
    private func rowScale(_ index: Int) -> Int {
        var scale = 1
        for axis in 1...grid.stream {
            let place = axis == grid.stream ? index : grid.at[axis]
            scale *= place == grid.outSizes[axis] - 1 ? average.lastScales[axis] : average.fullScales[axis]
        }
        return scale
    }

    /// The input's rows under the grid's row; of a clipped box of twos, mirrored, the edge's row twice.
    private func gather(_ window: UnsafeBufferPointer<Slice>, mirrored: Bool, from first: Int = 0) {
        rows.removeAll(keepingCapacity: true)
        let width = average.input.byteWidth
        let begin = (grid.rowBegin + first) * width
        for slice in window {
            guard let base = average.readsSums ? slice.sums : slice.image else { continue }
            grid.forEachRowOfBox { offset, _ in rows.append(base + begin + offset * width) }
        }
        guard mirrored else { return }
        let wanted = grid.factors.dropFirst().reduce(1, *)
        while rows.count < wanted { rows += rows }
    }

    private func gatherCounts(_ window: UnsafeBufferPointer<Slice>) {
        rows.removeAll(keepingCapacity: true)
        guard let width = average.inputCount?.byteWidth else { return }
        let begin = grid.rowBegin * width
        for slice in window {
            guard let base = slice.counts else { continue }
            grid.forEachRowOfBox { offset, _ in rows.append(base + begin + offset * width) }
        }
    }
}
