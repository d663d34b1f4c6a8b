// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Voxels

/// Why the engine stopped.
package enum EngineError: Error, Equatable, Sendable {
    case cancelled
    /// The memory for the levels, in bytes, could not be had.
    case outOfMemory(Int)
}

/// Makes a planned pyramid from slabs.
///
/// Slabs may be reduced on several lanes at once. A slab `i` may be begun only when all slabs up to
/// `i - slabsInFlight` are done: then memory stays what ``PyramidPlan/price(slabsInFlight:)`` says.
///
/// `@unchecked Sendable`: slab `i` alone uses slot `i % slabsInFlight` while it is under way; levels are written in
/// ranges that no two slabs share; the tail and its chain belong to whoever set `isTailBusy`.
package final class PyramidEngine: @unchecked Sendable {
    package let plan: PyramidPlan

    private let kernels: Kernels
    private let slots: [Slot]
    private let levels: [Int: VoxelBuffer]
    private let tail: StageChain?
    /// What comes before the tail where slabs are pieces of windows; it belongs to whoever the tail belongs to.
    private let gathering: WindowGathering?
    private let progress: Mutex<Progress>

    /// What one slab in flight works with.
    private final class Slot {
        var chain: StageChain?
        var shares: ShareMaker?
        var fan: [any StageRunner] = []
        /// What the tail takes over.
        var handoff: SliceMemory?
        var finished = SliceRun(count: 0)
    }

    private struct Progress {
        /// Slabs that are done though one before them is not.
        var doneAhead: Set<Int> = []
        /// All slabs below this one are done.
        var next = 0
        var isTailBusy = false
        var readyByteCounts: [Int: Int] = [:]
    }

    /// Allocates the kept levels. They are not filled with zeros.
    /// - Throws: ``EngineError/outOfMemory(_:)``.
    package init(
        _ plan: PyramidPlan,
        slabsInFlight: Int,
        kernels: Kernels = .best
    ) throws(EngineError) {
        self.plan = plan
        self.kernels = kernels
        var levels: [Int: VoxelBuffer] = [:]
        for level in plan.keptLevels { levels[level.mip] = try VoxelBuffer(byteCount: level.byteCount) }
        self.levels = levels
        slots = (0..<max(1, slabsInFlight)).map { _ in Slot() }
        let head = plan.slabs.headStageCount
        tail =
            plan.slabCount > 0 && head < plan.stages.count
            ? try StageChain(
                plan,
                head..<plan.stages.count,
                batch: plan.slabs.handoffSliceCount,
                levels: levels,
                kernels: kernels
            )
            : nil
        if let pieces = plan.slabs.pieces, plan.slabCount > 0 {
            let level = pieces.stage.mip.flatMap { levels[$0] }
            gathering = try WindowGathering(
                pieces,
                level: level,
                kernels: kernels,
                type: RowCode(plan.spec.type)
            )
        } else {
            gathering = nil
        }
        progress = Mutex(Progress())
    }

    /// Reduces one slab: `voxels` are the bytes of ``PyramidPlan/slabRange(_:)``, in native byte order, aligned for
    /// the voxel's type.
    ///
    /// `isCancelled` is asked at least once a slab.
    /// - Throws: ``EngineError``; the engine is of no use afterwards.
    package func reduce(
        slab index: Int,
        _ voxels: UnsafeRawBufferPointer,
        isCancelled: () -> Bool
    ) throws(EngineError) {
        precondition(voxels.count == plan.slabRange(index).count, "a slab is exactly its range")
        guard let base = voxels.baseAddress else { return }
        guard !isCancelled() else { throw .cancelled }
        let slot = slots[index % slots.count]
        // The engine only reads the input; slices are mutable for the stages that write theirs.
        let input = UnsafeMutableRawPointer(mutating: base)
        switch plan.topology {
        case .chain where gathering != nil: try reducePiece(index, input, slot)
        case .chain: try reduceChain(index, input, slot, isCancelled)
        case .fan: try reduceFan(index, input, slot, isCancelled)
        }
        try finish(index, isCancelled)
    }

    /// Makes the engine ready for another input, once all slabs are reduced and nobody reads the levels any more.
    package func restart() {
        progress.withLock { $0 = Progress() }
    }

    /// How many bytes of the kept level `mip` are final, counted from its begin; safe from any thread.
    package func readyByteCount(mip: Int) -> Int {
        progress.withLock { $0.readyByteCounts[mip] ?? 0 }
    }

    /// The memory of the kept level `mip`: valid while the engine lives, final up to ``readyByteCount(mip:)``.
    package func level(_ mip: Int) -> UnsafeRawBufferPointer {
        guard let level = levels[mip] else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(level.bytes)
    }

    // What lies in slab `index`: its parts, and the slices of each.
    private func extent(_ index: Int) -> (parts: Range<Int>, slices: Range<Int>) {
        let slabs = plan.slabs
        if slabs.partsPerSlab > 0 {
            let begin = index * slabs.partsPerSlab
            return (begin..<min(begin + slabs.partsPerSlab, slabs.partCount), 0..<slabs.sliceCount)
        }
        let (part, piece) = index.quotientAndRemainder(dividingBy: slabs.slabsPerPart)
        return (part..<part + 1, slabs.slices(piece))
    }

    private func reducePiece(
        _ index: Int,
        _ input: UnsafeMutableRawPointer,
        _ slot: Slot
    ) throws(EngineError) {
        if slot.shares == nil, let pieces = plan.slabs.pieces {
            slot.shares = try ShareMaker(pieces, kernels: kernels, type: RowCode(plan.spec.type))
        }
        guard let shares = slot.shares else { return }
        slot.finished = shares.reduce(input, extent(index).slices)
    }

    private func reduceChain(
        _ index: Int,
        _ input: UnsafeMutableRawPointer,
        _ slot: Slot,
        _ isCancelled: () -> Bool
    ) throws(EngineError) {
        let head = plan.slabs.headStageCount
        let batch = plan.slabs.batchSliceCount
        let chain: StageChain
        if let existing = slot.chain {
            chain = existing
        } else {
            chain = try StageChain(
                plan,
                0..<head,
                batch: batch,
                waits: false,
                handsOff: tail != nil,
                levels: levels,
                kernels: kernels
            )
            slot.chain = chain
            if tail != nil { slot.handoff = try handoffMemory() }
        }
        slot.finished = slot.handoff?.run(count: 0) ?? SliceRun(count: 0)
        let handoffPitch = tail == nil ? nil : plan.inPitch(head)
        let (parts, slices) = extent(index)
        let sliceByteCount = plan.slabs.sliceByteCount
        // A small input has just been written, so it is in a cache.
        let touches =
            plan.inputByteCount > SlabPlan.cachedByteCount
            && plan.slabs.batchSliceCount * sliceByteCount <= SlabPlan.nearByteCount
            && RowGrid(plan.stages[0]).readAhead(0, width: plan.spec.type.byteWidth) == nil
        var next = input
        for part in parts {
            guard !isCancelled() else { throw .cancelled }
            chain.start(part: part, at: slices.lowerBound)
            for begin in stride(from: 0, to: slices.count, by: batch) {
                let count = min(batch, slices.count - begin)
                if touches { _ = kernels.touch(next, count * sliceByteCount) }
                let run = SliceRun(image: next, count: count)
                if let handoffPitch {
                    slot.finished.take(chain.push(run, into: slot.finished.end(handoffPitch)))
                } else {
                    chain.push(run)
                }
                next += count * sliceByteCount
            }
        }
    }

    /// Room for what a slab leaves for the tail, but for an image that is kept: the tail reads that from its level.
    private func handoffMemory() throws(EngineError) -> SliceMemory {
        let head = plan.slabs.headStageCount
        var pitch = plan.inPitch(head)
        if let mip = plan.stages[head - 1].mip, levels[mip] != nil { pitch.image = 0 }
        return try SliceMemory(capacity: plan.slabs.handoffSliceCount, pitch: pitch)
    }

    private func reduceFan(
        _ index: Int,
        _ input: UnsafeMutableRawPointer,
        _ slot: Slot,
        _ isCancelled: () -> Bool
    ) throws(EngineError) {
        if slot.fan.isEmpty {
            for stage in plan.stages {
                slot.fan.append(try stage.makeRunner(kernels: kernels, type: RowCode(plan.spec.type)))
            }
        }
        let (parts, slices) = extent(index)
        let sliceByteCount = plan.slabs.sliceByteCount
        var base = input
        for part in parts {
            for (number, stage) in plan.stages.enumerated() where stage.makesImage {
                guard !isCancelled() else { throw .cancelled }
                let first = slices.lowerBound / stage.window
                let count = stage.window.dividingUp(slices.count)
                slot.fan[number].reduce(
                    SliceRun(image: base, count: slices.count),
                    from: first,
                    into: SliceRun(image: keptSlice(number, part: part, first), count: count)
                )
            }
            base += slices.count * sliceByteCount
        }
    }

    private func keptSlice(_ stage: Int, part: Int, _ slice: Int) -> UnsafeMutableRawPointer? {
        let stage = plan.stages[stage]
        guard let mip = stage.mip, let level = levels[mip] else { return nil }
        let index = part * stage.outSizes[stage.stream] + slice
        return level.base + index * stage.outSliceCount * plan.spec.type.byteWidth
    }

    /// Notes that a slab is done, and runs the tail over all slabs whose turn has come.
    private func finish(_ index: Int, _ isCancelled: () -> Bool) throws(EngineError) {
        var turn = progress.withLock { progress -> Int? in
            progress.doneAhead.insert(index)
            return takeTurn(&progress)
        }
        while let slab = turn {
            guard !isCancelled() else { throw .cancelled }
            let (parts, slices) = extent(slab)
            let finished = slots[slab % slots.count].finished
            if let tail, slices.lowerBound == 0 { tail.start(part: parts.lowerBound, at: 0) }
            if let gathering {
                if let made = gathering.take(finished, part: parts.lowerBound, slices) { tail?.push(made) }
            } else {
                tail?.push(finished)
            }
            let ready = readyByteCounts(parts: parts, slices: slices)
            turn = progress.withLock { progress in
                progress.readyByteCounts = ready
                progress.isTailBusy = false
                progress.next += 1
                return takeTurn(&progress)
            }
        }
    }

    /// The next slab in order if it is done and nobody else sees to it.
    private func takeTurn(_ progress: inout Progress) -> Int? {
        guard !progress.isTailBusy, progress.doneAhead.remove(progress.next) != nil else { return nil }
        progress.isTailBusy = true
        return progress.next
    }

    /// What is final of every kept level once a slab of these parts and slices is done, with all before it.
    private func readyByteCounts(parts: Range<Int>, slices: Range<Int>) -> [Int: Int] {
        var ready: [Int: Int] = [:]
        var reach = 1
        for (number, stage) in plan.stages.enumerated() {
            reach = plan.topology == .fan ? stage.window : reach.multiplied(by: stage.window, atMost: 1 << 48)
            guard let mip = stage.mip, levels[mip] != nil else { continue }
            let perPart = stage.outSizes[stage.stream]
            let made: Int
            if slices.upperBound == plan.slabs.sliceCount {
                made = perPart
            } else if number >= plan.slabs.headStageCount, let tail {
                made = tail.madeCount(number)
            } else {
                made = slices.upperBound / reach
            }
            let whole = (parts.upperBound - 1) * perPart
            ready[mip] = (whole + made) * stage.outSliceCount * plan.spec.type.byteWidth
        }
        return ready
    }
}
