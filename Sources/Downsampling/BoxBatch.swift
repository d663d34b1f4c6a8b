// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// Reduces a number of whole boxes of bytes, over and over, for those who stand numbers in for other things.
///
/// Where a table says what the voxels of a few boxes can be, their places in that table, one byte each, are an eighth of
/// the voxels' memory or less. Equal voxels have equal bytes, smaller ones smaller bytes, and 0 is 0: that is all that
/// modes, extremes and striding look at.
package struct BoxBatch: Sendable {
    /// Boxes of a batch.
    package let boxCount: Int

    private let inputCount: Int
    private let sliceCount: Int
    private let stage: Stage

    /// Plans boxes of `factor` voxels; nil for what looks at more than order, or takes several steps.
    package init?(
        _ method: Method,
        _ precision: Precision,
        sparse: Bool,
        factor: Extent3,
        boxCount: Int
    ) {
        switch method {
        case .mode, .min, .max, .stride: break
        case .average, .median: return nil
        }
        guard (1...1 << 16).contains(boxCount), factor.entries.allSatisfy({ (1...16).contains($0) }),
            let shape = try? Shape([factor.x * boxCount, factor.y, factor.z]),
            let whole = try? Factor(factor.entries),
            let plan = try? PyramidPlan(
                PyramidSpec(
                    type: .uint8,
                    shape: shape,
                    method: method,
                    precision: precision,
                    factor: whole,
                    sparse: sparse
                )
            ),
            plan.stages.count == 1, plan.slabs.partCount == 1
        else { return nil }
        self.boxCount = boxCount
        inputCount = plan.inputByteCount
        sliceCount = plan.slabs.sliceCount
        stage = plan.stages[0]
    }

    /// Returns what makes a byte of each box. It keeps scratch memory, so it belongs to one lane.
    ///
    /// Its first argument is an array of `boxCount` times the factor along x, the factor along y and along z, x fastest,
    /// every byte of which is initialized; the second one receives `boxCount` bytes.
    /// - Throws: ``EngineError/outOfMemory(_:)``.
    package func makeReducer() throws(EngineError) -> (
        UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer
    ) -> Void {
        let runner = try stage.makeRunner(kernels: .best, type: RowCode(.uint8))
        return { voxels, result in
            precondition(voxels.count == inputCount && result.count == boxCount, "a whole batch")
            // Runners only read their input; slices are mutable for the stages that write theirs.
            let input = UnsafeMutableRawPointer(mutating: voxels.baseAddress)
            runner.reduce(
                SliceRun(image: input, count: sliceCount),
                from: 0,
                into: SliceRun(image: result.baseAddress, count: stage.outSizes[stage.stream])
            )
        }
    }
}
