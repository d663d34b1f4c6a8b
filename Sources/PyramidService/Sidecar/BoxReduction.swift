// SPDX-License-Identifier: Apache-2.0
internal import Downsampling
package import Voxels

/// Reduces a box of one level to a box of another, with the engine of `POST /v1/pyramid`.
package struct BoxReduction: Sendable {
    package let rule: LevelRule
    package let type: VoxelType
    package let channels: Int

    package init(rule: LevelRule, type: VoxelType, channels: Int) {
        self.rule = rule
        self.type = type
        self.channels = channels
    }

    /// Returns the voxels of `box`, made of `source`, which is ``LevelRule/sourceBox(of:in:)`` of it.
    ///
    /// - Throws: `EngineError`, and `PlanError` for a rule that cannot be: whoever makes rules has tried them.
    package func reduce(
        _ source: BoxVoxels,
        to box: Box3,
        isCancelled: () -> Bool
    ) throws -> BoxVoxels {
        let result = try BoxVoxels(box, channels: channels, width: type.byteWidth)
        try reduce(
            UnsafeRawBufferPointer(source.bytes),
            of: source.box,
            to: box,
            in: result,
            isCancelled: isCancelled
        )
        return result
    }

    /// Puts the voxels of `box` into `result`, made of the memory of `sourceBox`, which is
    /// ``LevelRule/sourceBox(of:in:)`` of `box`.
    ///
    /// - Throws: As ``reduce(_:to:isCancelled:)``.
    func reduce(
        _ bytes: UnsafeRawBufferPointer,
        of sourceBox: Box3,
        to box: Box3,
        in result: BoxVoxels,
        isCancelled: () -> Bool
    ) throws {
        let pieces = pieces(of: box, sourceBox)
        if pieces.count == 1 {
            return try run(bytes, sourceBox.extent, isCancelled) {
                if box == result.box {
                    result.bytes.copyMemory(from: $0)
                } else {
                    result.copy(from: $0, of: box)
                }
            }
        }
        for piece in pieces {
            let part = try BoxVoxels(
                rule.sourceBox(of: piece, in: sourceBox),
                channels: channels,
                width: type.byteWidth
            )
            part.copy(from: bytes, of: sourceBox)
            try run(UnsafeRawBufferPointer(part.bytes), part.box.extent, isCancelled) {
                result.copy(from: $0, of: piece)
            }
        }
    }

    /// The engine's blocks begin with its array. Where the bounds of the base cut the first block of an axis short,
    /// that block is an array of its own.
    private func pieces(of box: Box3, _ source: Box3) -> [Box3] {
        let factor = rule.factor
        var pieces = [box]
        for axis in 0..<3 where source.begin[axis] > box.begin[axis].multipliedClamped(by: factor[axis]) {
            guard box.end[axis] - box.begin[axis] > 1 else { continue }
            pieces = pieces.flatMap { piece in
                var (first, rest) = (piece, piece)
                first.end[axis] = box.begin[axis] + 1
                rest.begin[axis] = box.begin[axis] + 1
                return [first, rest]
            }
        }
        return pieces
    }

    private func run(
        _ bytes: UnsafeRawBufferPointer,
        _ extent: Extent3,
        _ isCancelled: () -> Bool,
        _ take: (UnsafeRawBufferPointer) -> Void
    ) throws {
        let plan = try PyramidPlan(spec(extent))
        let engine = try PyramidEngine(plan, slabsInFlight: 1)
        for slab in 0..<plan.slabCount {
            let voxels = UnsafeRawBufferPointer(rebasing: bytes[plan.slabRange(slab)])
            try engine.reduce(slab: slab, voxels, isCancelled: isCancelled)
        }
        take(engine.level(rule.steps))
    }

    private func spec(_ extent: Extent3) throws -> PyramidSpec {
        let hasChannels = channels > 1
        return PyramidSpec(
            type: type,
            shape: try Shape(extent.entries + (hasChannels ? [channels] : [])),
            method: rule.method,
            precision: rule.precision,
            factor: try Factor(rule.stepFactor.entries),
            mips: .count(rule.steps),
            sparse: rule.sparse,
            levels: rule.steps...rule.steps
        )
    }
}
