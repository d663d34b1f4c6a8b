// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Puts windows together of the shares of their pieces, which come in order.
final class WindowGathering {
    private let plan: PiecePlan
    private let kernels: Kernels
    private let type: RowCode
    /// Sums and counts of the window so far, where shares are not voxels.
    private let gathered: SliceMemory
    private let made: SliceMemory
    private let render: (any StageRunner)?
    private let ordered: OrderedSums?
    /// Where the image goes that is kept for the answer.
    private let kept: UnsafeMutableRawPointer?
    private let imageByteCount: Int
    private let block: VoxelBuffer
    private var rows: RowPointers

    /// Bytes that are added up at a time: they stay in the nearest cache.
    static let blockByteCount = 16 << 10

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(_ plan: PiecePlan, level: VoxelBuffer?, kernels: Kernels, type: RowCode) throws(EngineError) {
        self.plan = plan
        self.kernels = kernels
        self.type = type
        kept = level?.base
        imageByteCount = plan.stage.outSliceCount * type.byteWidth
        let isRendered = plan.renderStage != nil
        gathered = try SliceMemory(capacity: isRendered ? 1 : 0, pitch: plan.pitch)
        let width = level == nil && plan.stage.makesImage ? type.byteWidth : 0
        made = try SliceMemory(
            capacity: 1,
            pitch: SliceRun.Pitch(voxels: plan.stage.outSliceCount, width: width, carry: plan.stage.carry)
        )
        render = try plan.renderStage?.makeRunner(kernels: kernels, type: type)
        if case .floatAverage(let average) = plan.stage.operation {
            ordered = try OrderedSums(plan, average, kernels: kernels)
        } else {
            ordered = nil
        }
        block = try VoxelBuffer(byteCount: WindowGathering.blockByteCount)
        rows = try RowPointers(capacity: 2)
    }

    /// Takes the share of the next piece, and gives the window's slice if that was the last one of it.
    func take(_ share: SliceRun, part: Int, _ slices: Range<Int>) -> SliceRun? {
        let index = slices.lowerBound / plan.stage.window
        var out = made.run(count: 1)
        if let kept { out.image = kept + (part * plan.windowCount + index) * imageByteCount }
        if let ordered {
            let count = plan.windowSliceCount(index)
            ordered.add(share, begins: plan.beginsWindow(slices), of: count)
            guard plan.endsWindow(slices) else { return nil }
            ordered.render(count, into: out)
            return out
        }
        let total = render == nil ? out : gathered.run(count: 1)
        if plan.beginsWindow(slices) {
            total.image?.copy(share.image, plan.pitch.image)
            total.sums?.copy(share.sums, plan.pitch.sums)
            total.counts?.copy(share.counts, plan.pitch.counts)
        } else {
            fold(share, into: total)
        }
        guard plan.endsWindow(slices) else { return nil }
        render?.reduce(total, from: index, into: out)
        return out
    }

    private func fold(_ share: SliceRun, into total: SliceRun) {
        switch plan.stage.operation {
        case .extreme(let isMax):
            inBlocks(share.image, total.image, plan.pitch.image, width: type.byteWidth) {
                rows,
                count,
                target in
                kernels.extreme(type.code, isMax, rows, 2, 1, count, target)
            }
        case .integerAverage(let average):
            add(share.sums, to: total.sums, plan.pitch.sums, average.sum)
            if let type = average.count { add(share.counts, to: total.counts, plan.pitch.counts, type) }
        case .stride: break  // The window's first slice is there.
        case .floatAverage, .modePlane, .modeFirst, .modeCountless, .modeLine, .modeBox, .median:
            preconditionFailure("not an operation of pieces")
        }
    }

    private func add(
        _ share: UnsafeMutableRawPointer?,
        to total: UnsafeMutableRawPointer?,
        _ byteCount: Int,
        _ type: RowCode
    ) {
        inBlocks(share, total, byteCount, width: type.byteWidth) { rows, count, target in
            kernels.sumRows(type.code, type.code, rows, 2, 1, count, 1, 1, block.base, target)
        }
    }

    /// Calls `body` with two rows, of the total so far and of the share, and the place of the total, a block at a time.
    ///
    /// Kernels want no row where they write, so the total's block is a copy.
    private func inBlocks(
        _ share: UnsafeMutableRawPointer?,
        _ total: UnsafeMutableRawPointer?,
        _ byteCount: Int,
        width: Int,
        _ body: (Kernels.Rows, _ count: Int, _ target: UnsafeMutableRawPointer) -> Void
    ) {
        guard let share, let total else { return }
        for begin in stride(from: 0, to: byteCount, by: WindowGathering.blockByteCount) {
            let bytes = min(WindowGathering.blockByteCount, byteCount - begin)
            block.base.copyMemory(from: total + begin, byteCount: bytes)
            rows.removeAll()
            rows.append(block.base)
            rows.append(share + begin)
            body(rows.first, bytes / width, total + begin)
        }
    }
}

extension UnsafeMutableRawPointer {
    /// Copies so many bytes that are there.
    fileprivate func copy(_ source: UnsafeMutableRawPointer?, _ byteCount: Int) {
        if let source { copyMemory(from: source, byteCount: byteCount) }
    }
}
