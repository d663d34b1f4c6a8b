// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Averages of integers, see `StagePlanner+IntegerAverage.swift` for the rules.
///
/// Rows whose boxes are 2^n voxels take a loop that sums and renders in one pass; clipped boxes and all other
/// factors take two: sums, then voxels.
final class IntegerAverageRunner: StageRunner {
    private let average: IntegerAverage
    private let kernels: Kernels
    /// Whether there may be a loop of one pass for sparse boxes.
    private let isSparsePairs: Bool
    private let scratch: VoxelBuffer
    private let grid: RowGrid
    private var kinds: ByMask<Kind>
    private var rows: RowPointers
    private var countedRows: RowPointers
    private let columns: UnsafeMutableRawPointer
    private let rowSums: UnsafeMutableRawPointer
    private let rowCounts: UnsafeMutableRawPointer

    /// What is to be known of the boxes of a row.
    fileprivate struct Kind {
        let pattern: RowPattern
        /// How far a one-pass row shifts its sums; `nil` where the row takes the general way.
        let pairShift: Int?
        /// Whether a one-pass row takes its input rows twice: a clipped row's weight in compat averages.
        let doublings: Int
        /// Whether no axis but the row's clips its boxes, and all voxels of a full one weigh 1.
        let isWhole: Bool
        /// Weight of a full box and of a clipped last one along the row.
        let scale: Int
        let lastScale: Int
        let divisor: Int
        let lastDivisor: Int
    }

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(_ stage: Stage, _ average: IntegerAverage, kernels: Kernels, scratch: VoxelBuffer)
        throws(EngineError)
    {
        self.average = average
        self.kernels = kernels
        isSparsePairs = stage.isSparsePairs
        self.scratch = scratch
        let grid = RowGrid(stage)
        self.grid = grid
        kinds = ByMask(grid) { mask in Kind(grid, average, mask) }
        rows = try RowPointers(capacity: stage.factors.dropFirst().reduce(1, *))
        countedRows = try RowPointers(capacity: average.count == nil ? 0 : rows.capacity)
        let needs = ScratchNeeds(stage, average)
        columns = scratch.base
        rowSums = columns + needs.columns
        rowCounts = rowSums + needs.rowSums
    }

    static func scratchByteCount(_ stage: Stage, _ average: IntegerAverage) -> Int {
        let needs = ScratchNeeds(stage, average)
        return needs.columns + needs.rowSums + needs.rowCounts
    }

    /// Bytes of scratch, which grow with the row: none for what slices have room for.
    private struct ScratchNeeds {
        /// Sums down the rows, where boxes are longer than a voxel along them.
        let columns: Int
        /// Sums and counts of a row, where they are not carried on.
        let rowSums: Int
        let rowCounts: Int

        init(_ stage: Stage, _ average: IntegerAverage) {
            let widest = max(average.sum.byteWidth, average.count?.byteWidth ?? 0)
            columns = stage.factors[0] == 1 ? 0 : (stage.inSizes[0] * widest).aligned
            rowSums = stage.carry.sum == nil ? (stage.outSizes[0] * average.sum.byteWidth).aligned : 0
            rowCounts =
                stage.carry.count == nil ? (stage.outSizes[0] * (average.count?.byteWidth ?? 0)).aligned : 0
        }
    }

    func reduce(_ input: SliceRun, from first: Int, into output: SliceRun) {
        guard let terms = average.readsSums ? input.sums : input.image else { return }
        let width = average.input.byteWidth
        let carry = Carry(sum: average.sum, count: average.count)
        let pitch = SliceRun.Pitch(voxels: grid.outputCount, width: average.image.byteWidth, carry: carry)
        let voxel = SliceRun.Pitch(voxels: 1, width: average.image.byteWidth, carry: carry)
        let factor = grid.factors[0]
        let full = grid.inputCount / factor
        var out = output
        grid.forEachStretch(from: first, count: output.count, readingAhead: terms, width: width, kernels) {
            stretch in
            let kind = kinds[stretch.mask]
            let row = terms + stretch.begin * width
            let step = stretch.step * width
            if reducePairs(kind, stretch, row, full, into: out) {
                if full < grid.outputCount {
                    rows.place(kind.pattern.rows, at: row + full * factor * width, width: width)
                    reduceRows(
                        kind,
                        stretch.lines,
                        step,
                        grid.inputCount - full * factor,
                        out.dropping(full, voxel),
                        pitch
                    )
                }
            } else if let type = average.count {
                let done = reduceSparsePairs(kind, stretch, row, full, into: out) ? full : 0
                if done < grid.outputCount {
                    rows.place(kind.pattern.rows, at: row + done * factor * width, width: width)
                    reduceSparse(kind, type, input, stretch, from: done, out.dropping(done, voxel), pitch)
                }
            } else {
                rows.place(kind.pattern.rows, at: row, width: width)
                reduceRows(kind, stretch.lines, step, grid.inputCount, out, pitch)
            }
            out = out.dropping(stretch.lines, pitch)
        }
    }

    /// Full boxes of 2^n voxels in one pass; `false`, with nothing done, where there is no loop for them.
    private func reducePairs(
        _ kind: Kind,
        _ stretch: Stretch,
        _ row: UnsafeMutableRawPointer,
        _ full: Int,
        into out: SliceRun
    ) -> Bool {
        guard let shift = kind.pairShift, full > 0 else { return false }
        let width = average.input.byteWidth
        rows.place(kind.pattern.rows, at: row, width: width)
        for _ in 0..<kind.doublings { rows.double() }
        let ahead = ReadAhead.addresses(grid.readAhead(stretch.mask, width: width), at: row)
        return kernels.averagePairs(
            average.input.code,
            average.sum.code,
            average.image.code,
            rows.first,
            rows.count,
            grid.factors[0],
            full,
            shift,
            average.roundsToEven,
            stretch.lines,
            stretch.step * width,
            grid.outputCount,
            ahead.near,
            ahead.far,
            out.sums,
            out.image
        )
    }

    /// Means of the voxels that are not 0, likewise.
    private func reduceSparsePairs(
        _ kind: Kind,
        _ stretch: Stretch,
        _ row: UnsafeMutableRawPointer,
        _ full: Int,
        into out: SliceRun
    ) -> Bool {
        guard isSparsePairs, kind.isWhole, full > 0, let image = out.image else { return false }
        let width = average.input.byteWidth
        rows.place(kind.pattern.rows, at: row, width: width)
        let ahead = ReadAhead.addresses(grid.readAhead(stretch.mask, width: width), at: row)
        return kernels.averageSparsePairs(
            average.input.code,
            rows.first,
            rows.count,
            grid.factors[0],
            full,
            average.roundsToEven,
            stretch.lines,
            stretch.step * width,
            grid.outputCount,
            ahead.near,
            ahead.far,
            out.sums,
            out.counts,
            image
        )
    }

    /// Sums and voxels of the boxes over `inputs` voxels of the placed rows, line by line.
    private func reduceRows(
        _ kind: Kind,
        _ lines: Int,
        _ step: Int,
        _ inputs: Int,
        _ output: SliceRun,
        _ pitch: SliceRun.Pitch
    ) {
        var out = output
        for _ in 0..<lines {
            reduceBoxes(kind, inputs, into: out)
            rows.shift(by: step)
            out = out.dropping(1, pitch)
        }
    }

    private func reduceBoxes(_ kind: Kind, _ inputs: Int, into out: SliceRun) {
        let factor = grid.factors[0]
        let sums = out.sums ?? rowSums
        kernels.sumRows(
            average.input.code,
            average.sum.code,
            rows.first,
            rows.count,
            factor,
            inputs,
            kind.scale,
            kind.lastScale,
            columns,
            sums
        )
        guard let image = out.image else { return }
        kernels.renderRow(
            average.sum.code,
            average.image.code,
            sums,
            factor.dividingUp(inputs),
            kind.divisor,
            kind.lastDivisor,
            average.sumBits,
            average.roundsToEven,
            image
        )
    }

    /// Sums and counts of a stretch's boxes from box `begin` of each row on, where the rows of terms are placed, and
    /// the voxels they make.
    private func reduceSparse(
        _ kind: Kind,
        _ type: RowCode,
        _ input: SliceRun,
        _ stretch: Stretch,
        from begin: Int,
        _ output: SliceRun,
        _ pitch: SliceRun.Pitch
    ) {
        guard let source = average.inputCount == nil ? input.image : input.counts else { return }
        let width = average.inputCount?.byteWidth ?? average.image.byteWidth
        let factor = grid.factors[0]
        let inputs = grid.inputCount - begin * factor
        let first = stretch.begin + begin * factor
        countedRows.place(kind.pattern.rows, at: source + first * width, width: width)
        var out = output
        for _ in 0..<stretch.lines {
            let sums = out.sums ?? rowSums
            let counts = out.counts ?? rowCounts
            kernels.sumRows(
                average.input.code,
                average.sum.code,
                rows.first,
                rows.count,
                factor,
                inputs,
                kind.scale,
                kind.lastScale,
                columns,
                sums
            )
            if let input = average.inputCount {
                kernels.sumRows(
                    input.code,
                    type.code,
                    countedRows.first,
                    countedRows.count,
                    factor,
                    inputs,
                    kind.scale,
                    kind.lastScale,
                    columns,
                    counts
                )
            } else {
                kernels.countRows(
                    width,
                    type.code,
                    countedRows.first,
                    countedRows.count,
                    factor,
                    inputs,
                    kind.scale,
                    kind.lastScale,
                    columns,
                    counts
                )
            }
            if let image = out.image {
                kernels.renderSparseRow(
                    average.sum.code,
                    type.code,
                    average.image.code,
                    sums,
                    counts,
                    grid.outputCount - begin,
                    average.sumBits,
                    average.roundsToEven,
                    image
                )
            }
            rows.shift(by: stretch.step * average.input.byteWidth)
            countedRows.shift(by: stretch.step * width)
            out = out.dropping(1, pitch)
        }
    }
}

extension IntegerAverageRunner.Kind {
    fileprivate init(_ grid: RowGrid, _ average: IntegerAverage, _ mask: Int) {
        pattern = RowPattern(grid, mask: mask)
        var weight = 1
        var extent = 1
        for axis in 1...grid.stream {
            let isLast = mask >> axis & 1 == 1
            weight *= isLast ? average.lastScales[axis] : average.fullScales[axis]
            if case .voxelCount(let full, let last) = average.divisor {
                extent *= isLast ? last[axis] : full[axis]
            }
        }
        scale = average.fullScales[0] * weight
        isWhole = scale == 1 && pattern.extents.dropFirst() == grid.factors.dropFirst()
        lastScale = average.lastScales[0] * weight

        let rowFactors = grid.factors.dropFirst().filter { $0 > 1 }
        let isPaired = average.count == nil && grid.factors.allSatisfy { $0 <= 2 } && rowFactors.count <= 2
        var shift: Int?
        var doublings = 0
        switch average.divisor {
        case .uniform(let uniform):
            (divisor, lastDivisor) = (uniform, uniform)
            // Rows are doubled until they are as many as in a full box.
            while pattern.rows.count << doublings < 1 << rowFactors.count { doublings += 1 }
            if uniform > 1, uniform & (uniform - 1) == 0 { shift = uniform.trailingZeroBitCount }
        case .voxelCount(let full, let last):
            (divisor, lastDivisor) = (full[0] * extent, last[0] * extent)
            // The last box of a row is told apart only where it is clipped at this very mip.
            let isEven = full[0] == last[0] || grid.inputCount % grid.factors[0] != 0
            let isFull = pattern.rows.count == 1 << rowFactors.count
            if isEven, isFull, divisor > 1, divisor & (divisor - 1) == 0 {
                shift = divisor.trailingZeroBitCount
            }
        case .counted:
            (divisor, lastDivisor) = (1, 1)
        }
        pairShift = isPaired ? shift : nil
        self.doublings = doublings
    }
}
