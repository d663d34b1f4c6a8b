// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Averages of integers, see `StagePlanner+IntegerAverage.swift` for the rules.
///
/// Rows whose boxes are 2^n voxels take a loop that sums and renders in one pass; clipped boxes and all other
/// factors take two: sums, then voxels.
final class IntegerAverageRunner: StageRunner {
    private let average: IntegerAverage
    private let kernels: Kernels
    private let scratch: VoxelBuffer
    private var grid: RowGrid
    private var kinds: ByMask<Kind>
    private var rows: RowPointers
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
        /// Weight of a full box and of a clipped last one along the row.
        let scale: Int
        let lastScale: Int
        let divisor: Int
        let lastDivisor: Int
    }

    init(_ stage: Stage, _ average: IntegerAverage, kernels: Kernels, scratch: VoxelBuffer) {
        self.average = average
        self.kernels = kernels
        self.scratch = scratch
        let grid = RowGrid(stage)
        self.grid = grid
        kinds = ByMask(grid) { mask in Kind(grid, average, mask) }
        rows = RowPointers(capacity: stage.factors.dropFirst().reduce(1, *))
        columns = scratch.base
        rowSums = columns + (stage.inSizes[0] * 16).aligned
        rowCounts = rowSums + (stage.outSizes[0] * 16).aligned
    }

    static func scratchByteCount(_ stage: Stage) -> Int {
        (stage.inSizes[0] * 16).aligned + (stage.outSizes[0] * 16).aligned + stage.outSizes[0] * 8
    }

    func reduce(_ input: SliceRun, from first: Int, into output: SliceRun) {
        var out = output
        guard let terms = average.readsSums ? input.sums : input.image else { return }
        let termWidth = average.input.byteWidth
        let countWidth = average.inputCount?.byteWidth ?? 0
        let factor = grid.factors[0]
        let full = grid.inputCount / factor
        let count = grid.outputCount
        let carry = Carry(sum: average.sum, count: average.count)
        let pitch = SliceRun.Pitch(voxels: count, width: average.image.byteWidth, carry: carry)
        let voxel = SliceRun.Pitch(voxels: 1, width: average.image.byteWidth, carry: carry)
        var begin = 0
        for index in first..<first + output.count {
            for _ in 0..<grid.rowCount {
                let kind = kinds[grid.mask(index)]
                let row = terms + (begin + grid.rowBegin) * termWidth
                gather(kind.pattern, at: row, termWidth)
                if let shift = kind.pairShift, full > 0 {
                    for _ in 0..<kind.doublings { rows.double() }
                    let isDone = kernels.averagePairs(
                        average.input.code,
                        average.sum.code,
                        average.image.code,
                        rows.first,
                        rows.count,
                        factor,
                        full,
                        shift,
                        average.roundsToEven,
                        out.sums,
                        out.image
                    )
                    if !isDone {
                        gather(kind.pattern, at: row, termWidth)
                        reduceBoxes(kind, grid.inputCount, into: out)
                    } else if full < count {
                        gather(kind.pattern, at: row + full * factor * termWidth, termWidth)
                        reduceBoxes(kind, grid.inputCount - full * factor, into: out.dropping(full, voxel))
                    }
                } else {
                    reduceBoxes(kind, grid.inputCount, into: out)
                    if let type = average.count {
                        if let counts = input.counts, average.inputCount != nil {
                            gather(
                                kind.pattern,
                                at: counts + (begin + grid.rowBegin) * countWidth,
                                countWidth
                            )
                        }
                        reduceSparse(kind, type, into: out)
                    }
                }
                out = out.dropping(1, pitch)
                grid.advance()
            }
            begin += grid.factors[grid.stream] * grid.inSliceCount
        }
    }

    private func gather(_ pattern: RowPattern, at row: UnsafeMutableRawPointer, _ width: Int) {
        rows.removeAll()
        for (slice, offset) in pattern.rows {
            rows.append(row + (slice * grid.inSliceCount + offset) * width)
        }
    }

    /// Sums of the boxes over `inputs` voxels of the gathered rows; and, unless counts decide, their voxels.
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
        guard average.count == nil, let image = out.image else { return }
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

    /// Counts of the boxes of a row, from the gathered rows, and the voxels that sums and counts make.
    private func reduceSparse(_ kind: Kind, _ type: RowCode, into out: SliceRun) {
        let counts = out.counts ?? rowCounts
        if let input = average.inputCount {
            kernels.sumRows(
                input.code,
                type.code,
                rows.first,
                rows.count,
                grid.factors[0],
                grid.inputCount,
                kind.scale,
                kind.lastScale,
                columns,
                counts
            )
        } else {
            kernels.countRows(
                average.image.byteWidth,
                type.code,
                rows.first,
                rows.count,
                grid.factors[0],
                grid.inputCount,
                kind.scale,
                kind.lastScale,
                columns,
                counts
            )
        }
        guard let image = out.image else { return }
        kernels.renderSparseRow(
            average.sum.code,
            type.code,
            average.image.code,
            out.sums ?? rowSums,
            counts,
            grid.outputCount,
            average.sumBits,
            average.roundsToEven,
            image
        )
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
