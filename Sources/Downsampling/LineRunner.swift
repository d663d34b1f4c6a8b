// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// How the windows of a line are taken: blocks of many as one row each, and the last by itself.
struct LinePlan {
    let stage: Stage
    /// Blocks of windows, the largest first, each some 16 times the next one; the last is a single window.
    let blocks: [(count: Int, row: Stage)]
    let last: Stage
    /// Whether `last` is the line's own stage, which takes voxels one by one.
    let lastIsVoxelwise: Bool

    /// Voxels of a block, if one window is not more: so many that a kernel's call costs little beside its work.
    private static let blockVoxelCount = 32 << 10
    private static let blockStep = 16

    /// `nil` where the stage's slices are not single voxels.
    init?(_ stage: Stage) {
        guard stage.isLine else { return nil }
        self.stage = stage
        var counts = [max(1, min(LinePlan.blockVoxelCount / stage.window, stage.outSizes[stage.stream]))]
        while let count = counts.last, count > 1 { counts.append(max(1, count / LinePlan.blockStep)) }
        blocks = counts.map { ($0, stage.row(ofWindows: $0)) }
        // Boxes of twos know a clipped one from its axis. Large windows would be many pointers.
        lastIsVoxelwise = stage.window <= LinePlan.blockStep
        last = lastIsVoxelwise ? stage : stage.rowOfLastWindow
    }

    /// Bytes of all its runners.
    func workingByteCount(width: Int) -> Int {
        blocks.reduce(last.rowsByteCount(width: width)) {
            $0.addingClamped($1.row.rowsByteCount(width: width))
        }
    }
}

/// Reduces lines, stretches of which are rows to other runners.
final class LineRunner: StageRunner {
    private let plan: LinePlan
    private let blocks: [(count: Int, runner: any StageRunner)]
    private let last: any StageRunner
    private let inPitch: SliceRun.Pitch
    private let outPitch: SliceRun.Pitch

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(_ plan: LinePlan, kernels: Kernels, type: RowCode) throws(EngineError) {
        self.plan = plan
        var blocks: [(count: Int, runner: any StageRunner)] = []
        for (count, row) in plan.blocks {
            blocks.append((count, try row.makeRowRunner(kernels: kernels, type: type)))
        }
        self.blocks = blocks
        last = try plan.last.makeRowRunner(kernels: kernels, type: type)
        inPitch = SliceRun.Pitch(voxels: 1, width: type.byteWidth, carry: plan.stage.inputCarry)
        outPitch = SliceRun.Pitch(voxels: 1, width: type.byteWidth, carry: plan.stage.carry)
    }

    func reduce(_ input: SliceRun, from first: Int, into output: SliceRun) {
        let window = plan.stage.window
        let lastIndex = plan.stage.outSizes[plan.stage.stream] - 1
        let endsLine = first + output.count > lastIndex
        var left = endsLine ? lastIndex - first : output.count
        var (source, target) = (input, output)
        for (count, runner) in blocks {
            while left >= count {
                // To the row's stage, a block's windows are the voxels of one slice.
                runner.reduce(source.prefix(1), from: 0, into: target.prefix(1))
                source = source.dropping(count * window, inPitch)
                target = target.dropping(count, outPitch)
                left -= count
            }
        }
        if endsLine {
            last.reduce(source, from: plan.lastIsVoxelwise ? lastIndex : 0, into: target.prefix(1))
        }
    }
}

extension Stage {
    /// The types of what it reads beside an image.
    fileprivate var inputCarry: Carry {
        switch operation {
        case .integerAverage(let average):
            return Carry(sum: average.readsSums ? average.input : nil, count: average.inputCount)
        case .floatAverage(let average):
            let wide = RowCode(.float64)
            switch average.rule {
            case .carry: return Carry(sum: average.width == 8 ? wide : RowCode(.float32), count: wide)
            case .once, .other, .otherSparse, .exact: return Carry(sum: wide, count: wide)
            }
        case .modePlane, .modeFirst, .modeCountless, .modeLine, .modeBox, .extreme, .median, .stride:
            return Carry()
        }
    }
}
