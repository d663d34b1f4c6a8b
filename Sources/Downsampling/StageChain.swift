// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Runs consecutive stages over batches of slices: each stage turns the windows that are complete into slices of
/// the next and holds the rest until more come.
///
/// Batches are small, so what is worked on stays in cache, and a chain's memory does not grow with the part that
/// passes through it.
final class StageChain {
    private struct Link {
        let runner: any StageRunner
        let window: Int
        /// Slices of the whole part.
        let inCount: Int
        let inPitch: SliceRun.Pitch
        let outPitch: SliceRun.Pitch
        /// Input slices that wait for the rest of their window.
        let waiting: SliceMemory
        var waitingCount = 0
        /// Output slices of one batch.
        let made: SliceMemory
        /// Slices taken and made so far, counted from the begin of the part.
        var takenCount = 0
        var madeCount = 0
    }

    private var links: [Link] = []
    private let first: Int
    /// The most slices that ``push`` is ever given at once.
    private let batch: Int
    /// Where each stage's image goes that is kept for the answer: the level's memory, and its slices in a part.
    private let kept: [(base: UnsafeMutableRawPointer, perPart: Int)?]
    private var part = 0

    /// A chain over `stages[range]` of a plan, for runs of at most `batch` slices.
    ///
    /// `waits`: Whether runs may end inside a window before the part does; heads are given whole ones.
    /// `handsOff`: Whether ``push(_:into:)`` says where the last stage's output goes.
    ///
    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(
        _ plan: PyramidPlan,
        _ range: Range<Int>,
        batch: Int,
        waits: Bool = true,
        handsOff: Bool = false,
        levels: [Int: VoxelBuffer],
        kernels: Kernels
    ) throws(EngineError) {
        first = range.lowerBound
        self.batch = batch
        let type = RowCode(plan.spec.type)
        kept = plan.stages[range].map { stage in
            guard let mip = stage.mip, let level = levels[mip] else { return nil }
            return (base: level.base, perPart: stage.outSizes[stage.stream])
        }
        var most = batch
        for index in range {
            let stage = plan.stages[index]
            let inPitch = plan.inPitch(index)
            most = StageChain.mostWindows(stage.window, of: most)
            let isKept = kept[index - first] != nil
            let held = SliceRun.Pitch(
                voxels: stage.outSliceCount,
                width: stage.makesImage && !isKept ? type.byteWidth : 0,
                carry: stage.carry
            )
            links.append(
                Link(
                    runner: try stage.makeRunner(kernels: kernels, type: type),
                    window: stage.window,
                    inCount: stage.inSizes[stage.stream],
                    inPitch: inPitch,
                    outPitch: plan.outPitch(index),
                    waiting: try SliceMemory(capacity: waits ? stage.window : 0, pitch: inPitch),
                    made: try SliceMemory(capacity: handsOff && index == range.last ? 0 : most, pitch: held)
                )
            )
        }
    }

    /// The most slices that a stage makes of `most` more: before them up to `window - 1` wait, and at a part's end the
    /// last window need not be full.
    private static func mostWindows(_ window: Int, of most: Int) -> Int {
        window.dividingUp(most.addingClamped(window - 1))
    }

    /// Bytes that a chain over `stages[range]` takes for batches of `batch` slices.
    static func byteCount(_ plan: PyramidPlan, _ range: Range<Int>, batch: Int, waits: Bool = true) -> Int {
        var most = batch
        var bytes = 0
        for index in range {
            let stage = plan.stages[index]
            most = mostWindows(stage.window, of: most)
            bytes =
                bytes
                .addingClamped(
                    SliceMemory.byteCount(capacity: waits ? stage.window : 0, pitch: plan.inPitch(index))
                )
                .addingClamped(SliceMemory.byteCount(capacity: most, pitch: plan.outPitch(index)))
                .addingClamped(stage.workingByteCount(width: plan.spec.type.byteWidth))
        }
        return bytes
    }

    /// Makes the chain ready for the slices of `part` from `slice` on; the first stage's windows begin there.
    func start(part: Int, at slice: Int) {
        self.part = part
        var begin = slice
        for index in links.indices {
            links[index].takenCount = begin
            begin /= links[index].window
            links[index].madeCount = begin
            links[index].waitingCount = 0
        }
    }

    /// Slices made so far by stage `stage` of the plan, counted from the begin of the part.
    func madeCount(_ stage: Int) -> Int { links[stage - first].madeCount }

    /// Takes the next slices, at most `batch`, and gives what the last stage made of them, which may be nothing.
    ///
    /// `handoff`: Where that goes, if the chain hands off; but an image that is kept goes to its level.
    @discardableResult
    func push(_ run: SliceRun, into handoff: SliceRun? = nil) -> SliceRun {
        precondition(run.count <= batch, "a chain has room for one batch")
        var run = run
        for index in links.indices {
            run = advance(index, run, index == links.count - 1 ? handoff : nil)
            guard run.count > 0 else { break }
        }
        return run
    }

    /// Runs one stage over all windows that `run` completes.
    private func advance(_ index: Int, _ run: SliceRun, _ handoff: SliceRun?) -> SliceRun {
        let link = links[index]
        links[index].takenCount += run.count
        let isLast = links[index].takenCount == link.inCount
        let have = link.waitingCount + run.count
        let count = isLast ? link.window.dividingUp(have) : have / link.window
        var out = handoff?.prefix(count) ?? link.made.run(count: count)
        if let level = kept[index] {
            out.image = level.base + (part * level.perPart + link.madeCount) * link.outPitch.image
        }

        var rest = run
        var next = out
        var made = link.madeCount
        if link.waitingCount > 0 {
            let missing = min(link.window - link.waitingCount, rest.count)
            var waiting = link.waiting.run(count: link.waitingCount)
            waiting.append(rest.prefix(missing), link.inPitch)
            rest = rest.dropping(missing, link.inPitch)
            links[index].waitingCount = waiting.count
            guard count > 0 else { return out }
            link.runner.reduce(waiting, from: made, into: next.prefix(1))
            links[index].waitingCount = 0
            next = next.dropping(1, link.outPitch)
            made += 1
        }
        if next.count > 0 {
            link.runner.reduce(rest, from: made, into: next)
            rest = rest.dropping(min(next.count * link.window, rest.count), link.inPitch)
        }
        if rest.count > 0 {
            precondition(rest.count <= link.waiting.capacity, "heads are given whole windows")
            var waiting = link.waiting.run(count: 0)
            waiting.append(rest, link.inPitch)
            links[index].waitingCount = waiting.count
        }
        links[index].madeCount += count
        return out
    }
}

extension PyramidPlan {
    /// Bytes of a slice that stage `index` makes.
    func outPitch(_ index: Int) -> SliceRun.Pitch {
        let stage = stages[index]
        return SliceRun.Pitch(
            voxels: stage.outSliceCount,
            width: stage.makesImage ? spec.type.byteWidth : 0,
            carry: stage.carry
        )
    }

    /// Bytes of a slice that stage `index` reads: the source's, or what it wants of what the stage before made.
    func inPitch(_ index: Int) -> SliceRun.Pitch {
        if index > 0, topology == .chain {
            return stages[index - 1].pitch(readBy: stages[index], width: spec.type.byteWidth)
        }
        let voxels = stages[index].inSizes.dropLast().reduce(1, *)
        return SliceRun.Pitch(voxels: voxels, width: spec.type.byteWidth, carry: Carry())
    }
}

extension Stage {
    /// Bytes of a slice of this stage's output as far as `next` reads it.
    func pitch(readBy next: Stage, width: Int) -> SliceRun.Pitch {
        SliceRun.Pitch(
            voxels: outSliceCount,
            width: makesImage && next.readsImage ? width : 0,
            carry: carry
        )
    }

    /// Averages of integers that go on from sums do not look at the image beside them.
    private var readsImage: Bool {
        guard case .integerAverage(let average) = operation else { return true }
        return !average.readsSums || average.count != nil && average.inputCount == nil
    }
}
