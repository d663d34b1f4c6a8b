// SPDX-License-Identifier: Apache-2.0

/// Makes the shares of pieces of windows; each slot of the engine has one.
final class ShareMaker {
    private let plan: PiecePlan
    private let share: SliceMemory
    /// Windows but the last, and the last: its weight and its last piece differ.
    private let inner: (any StageRunner)?
    private let last: (any StageRunner)?

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(_ plan: PiecePlan, kernels: Kernels, type: RowCode) throws(EngineError) {
        self.plan = plan
        share = try SliceMemory(capacity: plan.shareSliceCount, pitch: plan.pitch)
        if case .floatAverage = plan.stage.operation {
            (inner, last) = (nil, nil)
            return
        }
        inner =
            plan.windowCount > 1
            ? try plan.shareStage(ofLastWindow: false).makeRunner(kernels: kernels, type: type) : nil
        last = try plan.shareStage(ofLastWindow: true).makeRunner(kernels: kernels, type: type)
    }

    /// Returns the share of one piece: `voxels` is its first slice, `slices` are where it lies in its part.
    func reduce(_ voxels: UnsafeMutableRawPointer, _ slices: Range<Int>) -> SliceRun {
        let piece = SliceRun(image: voxels, count: slices.count)
        if case .floatAverage = plan.stage.operation {
            var copy = share.run(count: 0)
            copy.append(piece, plan.pitch)
            return copy
        }
        let output = share.run(count: 1)
        // A window's first slice is all that striding takes.
        if case .stride = plan.stage.operation, !plan.beginsWindow(slices) { return output }
        let isLast = slices.lowerBound / plan.stage.window == plan.windowCount - 1
        let runner = isLast ? last : inner ?? last
        runner?.reduce(piece, from: plan.endsWindow(slices) ? 1 : 0, into: output)
        return output
    }
}
