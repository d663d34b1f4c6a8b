// SPDX-License-Identifier: Apache-2.0

/// Modes of boxes of twos: plane, cube and line steps, with edge voxels repeated.
final class MirroredModeRunner: StageRunner {
    private let operation: Stage.Operation
    private let kernels: Kernels
    private let width: Int
    private let grid: RowGrid
    private var positions: RowPointers
    /// For each kind of box the offsets, in elements, of its positions from the box's first voxel.
    private var patterns: ByMask<[Int]>

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(_ stage: Stage, _ box: MirroredBox, width: Int, kernels: Kernels) throws(EngineError) {
        operation = stage.operation
        self.kernels = kernels
        self.width = width
        let grid = RowGrid(stage)
        self.grid = grid
        positions = try RowPointers(capacity: box.positions.count)
        patterns = ByMask(grid) { mask in
            let extents = grid.extents(mask)
            return box.positions.map { steps in
                // Beyond an edge, the edge's own voxel.
                zip(zip(steps, extents), grid.inStrides).reduce(0) { offset, axis in
                    offset + min(axis.0.0, axis.0.1 - 1) * axis.1
                }
            }
        }
    }

    func reduce(_ input: SliceRun, from first: Int, into output: SliceRun) {
        guard let image = output.image, let base = input.image else { return }
        let factor = grid.factors[0]
        let full = grid.inputCount / factor
        let isClipped = full * factor < grid.inputCount
        let rowByteCount = grid.outputCount * width
        var begin = image
        grid.forEachStretch(from: first, count: output.count, readingAhead: base, width: width, kernels) {
            stretch in
            let row = base + stretch.begin * width
            let step = stretch.step * width
            let ahead = ReadAhead.addresses(grid.readAhead(stretch.mask, width: width), at: row)
            if full > 0 {
                positions.place(patterns[stretch.mask], at: row, width: width)
                reduceLines(stretch, step, full, ahead, into: begin)
            }
            if isClipped {
                positions.place(patterns[stretch.mask | 1], at: row + full * factor * width, width: width)
                reduceLines(stretch, step, 1, (0, 0), into: begin + full * width)
            }
            begin += stretch.lines * rowByteCount
        }
    }

    /// `count` boxes of each row of a stretch, from the placed positions on.
    private func reduceLines(
        _ stretch: Stretch,
        _ step: Int,
        _ count: Int,
        _ ahead: (near: UInt, far: UInt),
        into out: UnsafeMutableRawPointer
    ) {
        let (lines, pitch, factor) = (stretch.lines, grid.outputCount, grid.factors[0])
        let (near, far) = ahead
        switch operation {
        case .modePlane(_, sparse: false, _):
            kernels.modePlane(width, positions.first, factor, count, lines, step, pitch, near, far, out)
        case .modePlane(_, sparse: true, let nearIsSecond):
            kernels.modePlaneSparse(
                width,
                positions.first,
                nearIsSecond,
                factor,
                count,
                lines,
                step,
                pitch,
                near,
                far,
                out
            )
        case .modeFirst, .modeCountless, .modeLine, .integerAverage, .floatAverage, .modeBox, .extreme,
            .median,
            .stride:
            var ahead = ahead
            var out = out
            for _ in 0..<lines {
                reduceBoxes(stride: factor, count: count, ahead, into: out)
                positions.shift(by: step)
                if ahead.near != 0 { ahead.near &+= UInt(bitPattern: step) }
                if ahead.far != 0 { ahead.far &+= UInt(bitPattern: step) }
                out += pitch * width
            }
        }
    }

    private func reduceBoxes(
        stride: Int,
        count: Int,
        _ ahead: (near: UInt, far: UInt),
        into out: UnsafeMutableRawPointer
    ) {
        let first = positions.first
        let (near, far) = ahead
        switch operation {
        case .modeFirst(_, let sparse):
            kernels.modeFirst(width, first, positions.count, stride, count, sparse, near, far, out)
        case .modeCountless:
            kernels.modeCountless8(width, first, stride, count, near, far, out)
        case .modeLine(_, let sparse):
            kernels.modeLine(width, first[0], first[1], stride, count, sparse, out)
        case .modePlane, .integerAverage, .floatAverage, .modeBox, .extreme, .median, .stride:
            preconditionFailure("not a mode of mirrored boxes, or one of rows at once")
        }
    }
}
