// SPDX-License-Identifier: Apache-2.0

/// Modes of boxes of twos: plane, cube and line steps, with edge voxels repeated.
final class MirroredModeRunner: StageRunner {
    private let stage: Stage
    private let kernels: Kernels
    private let width: Int
    private var grid: RowGrid
    private let box: MirroredBox
    private var positions: [UnsafeRawPointer] = []

    init(_ stage: Stage, _ box: MirroredBox, width: Int, kernels: Kernels) {
        self.stage = stage
        self.kernels = kernels
        self.width = width
        self.box = box
        grid = RowGrid(stage)
        positions.reserveCapacity(box.positions.count)
    }

    func reduce(_ window: UnsafeBufferPointer<Slice>, at index: Int, into out: Slice) {
        guard let image = out.image else { return }
        let factor = grid.factors[0]
        let full = grid.inputCount / factor
        let isClipped = full * factor < grid.inputCount
        var output = image
        for _ in 0..<grid.rowCount {
            if full > 0 {
                gather(window, from: 0, isLone: factor == 1)
                reduceBoxes(stride: factor, count: full, into: output)
            }
            if isClipped {
                gather(window, from: full * factor, isLone: true)
                reduceBoxes(stride: factor, count: 1, into: output + full * width)
            }
            output += grid.outputCount * width
            grid.advance()
        }
    }

    /// Pointers to the first box's voxel at each position, the first box being at voxel `first` of the row.
    private func gather(_ window: UnsafeBufferPointer<Slice>, from first: Int, isLone: Bool) {
        positions.removeAll(keepingCapacity: true)
        let stream = grid.stream
        for steps in box.positions {
            guard let slice = window[min(steps[stream], window.count - 1)].image else { continue }
            var offset = first + (isLone ? 0 : steps[0])
            for axis in 1..<stream {
                let voxel = min(grid.at[axis] * grid.factors[axis] + steps[axis], grid.inSizes[axis] - 1)
                offset += voxel * grid.inStrides[axis]
            }
            positions.append(slice + offset * width)
        }
    }

    private func reduceBoxes(stride: Int, count: Int, into output: UnsafeMutableRawPointer) {
        positions.withUnsafeBufferPointer { positions in
            guard let first = positions.baseAddress else { return }
            switch stage.operation {
            case .modePlane(_, sparse: false, _):
                kernels.modePlane(width, first[0], first[1], first[2], first[3], stride, count, output)
            case .modePlane(_, sparse: true, let nearIsSecond):
                kernels.modePlaneSparse(
                    width,
                    first[0],
                    first[1],
                    first[2],
                    first[3],
                    nearIsSecond,
                    stride,
                    count,
                    output
                )
            case .modeFirst(_, let sparse):
                kernels.modeFirst(width, first, positions.count, stride, count, sparse, output)
            case .modeCountless:
                kernels.modeCountless8(width, first, stride, count, output)
            case .modeLine(_, let sparse):
                kernels.modeLine(width, first[0], first[1], stride, count, sparse, output)
            case .integerAverage, .floatAverage, .modeBox, .extreme, .median, .stride:
                preconditionFailure("not a mode of mirrored boxes")
            }
        }
    }
}
