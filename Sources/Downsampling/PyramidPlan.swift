// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// Why a pyramid cannot be made as it was asked for.
package enum PlanError: Error, Equatable, Sendable {
    /// `sparse` says nothing for min, max and stride.
    case sparseUnsupported(Method)
    /// Averages and medians of `bool` do not exist.
    case typeUnsupported(VoxelType, Method)
    /// More mips than the limit, or fewer than 1.
    case mipCount(Int, limit: Int)
    /// `levels` names a mip that is not made; `mips` is how many there are.
    case levelsOutside(ClosedRange<Int>, mips: Int)
    /// Exact sums of this factor on this shape would need more than 128 bits.
    case sumsTooWide
    /// A mode or median of more voxels to a box than ``PyramidPlan/maxBoxVoxelCount``.
    case boxTooLarge(Int)
}

/// One mip of a planned pyramid.
package struct LevelPlan: Sendable, Hashable {
    /// From 1.
    package let mip: Int
    package let shape: Shape
    package let byteCount: Int
    /// Whether the level is part of the answer.
    package let isKept: Bool
}

/// A pyramid as it is known before its first voxel: shapes, bytes, slabs and price.
///
/// The input is taken in slabs: consecutive byte ranges that cover it in memory order. A slab is either some
/// whole parts (see `Geometry`) or a run of slices of one part that reduces without its neighbours for as many
/// stages as `headStageCount` says; what those leave is reduced further in order, by the *tail*. Where one window of
/// slices is too long to be held, a slab is a piece of one (see `PiecePlan`).
package struct PyramidPlan: Sendable {
    package static let maxMips = 32
    /// Voxels of one box of an exact mode or a median: they are counted in 32 bits.
    package static let maxBoxVoxelCount = 1 << 31
    /// Slabs are made about this large, if a window of slices is not larger.
    package static let usualSlabByteCount = 1 << 20

    package let spec: PyramidSpec
    /// Every level that is computed, in rising order.
    package let levels: [LevelPlan]
    package let inputByteCount: Int
    package let slabCount: Int
    /// The largest slab, in bytes.
    package let slabByteCount: Int

    let geometry: Geometry
    let stages: [Stage]
    let topology: StagePlanner.Topology
    let slabs: SlabPlan

    /// The levels of the answer, in rising order.
    package var keptLevels: [LevelPlan] { levels.filter(\.isKept) }

    /// Throws what the spec gets wrong; allocates nothing that grows with the array.
    ///
    /// An array without voxels is not an error: its levels are empty, and it has no slabs.
    package init(
        _ spec: PyramidSpec,
        slabByteCount target: Int = PyramidPlan.usualSlabByteCount
    ) throws(PlanError) {
        if spec.sparse, [.min, .max, .stride].contains(spec.method) { throw .sparseUnsupported(spec.method) }
        if spec.type == .bool, [.average, .median].contains(spec.method) {
            throw .typeUnsupported(spec.type, spec.method)
        }
        let asked = PyramidPlan.mipCount(spec)
        guard (1...PyramidPlan.maxMips).contains(asked) else {
            throw .mipCount(asked, limit: PyramidPlan.maxMips)
        }
        let kept = spec.levels ?? 1...asked
        guard kept.lowerBound >= 1, kept.upperBound <= asked else { throw .levelsOutside(kept, mips: asked) }

        var levels: [LevelPlan] = []
        var shape = spec.shape
        for mip in 1...kept.upperBound {
            shape = shape.downsampled(by: spec.factor)
            levels.append(
                LevelPlan(
                    mip: mip,
                    shape: shape,
                    byteCount: shape.byteCount(spec.type),
                    isKept: kept.contains(mip)
                )
            )
        }

        let geometry = Geometry(spec, mips: kept.upperBound, rowLimit: target)
        let planner = StagePlanner(
            spec: spec,
            geometry: geometry,
            mips: kept.upperBound,
            isSingle: asked == 1
        )
        var (stages, topology) = try planner.plan()
        for stage in stages where stage.boxVoxelCount > PyramidPlan.maxBoxVoxelCount {
            switch stage.operation {
            case .modeBox, .median: throw .boxTooLarge(stage.boxVoxelCount)
            default: break
            }
        }
        for index in stages.indices {
            let next = index + 1 < stages.count && topology == .chain ? stages[index + 1] : nil
            stages[index].readsSource = index == 0 || topology == .fan
            stages[index].connect(to: next, isKept: stages[index].mip.map(kept.contains) ?? false)
        }

        self.spec = spec
        self.levels = levels
        self.geometry = geometry
        self.stages = stages
        self.topology = topology
        inputByteCount = spec.shape.byteCount(spec.type)
        slabs = SlabPlan(
            geometry: geometry,
            stages: stages,
            topology: topology,
            width: spec.type.byteWidth,
            target: target
        )
        slabCount = inputByteCount == 0 ? 0 : slabs.slabCount
        slabByteCount = inputByteCount == 0 ? 0 : slabs.largestByteCount
    }

    /// Where slab `index` lies in the input, in bytes.
    package func slabRange(_ index: Int) -> Range<Int> { slabs.byteRange(index) }

    /// Bytes of the slices that one box takes, if they are held together and are many slabs; else `nil`.
    package var heldWindowByteCount: Int? {
        guard slabs.pieces == nil, slabByteCount > 4 * PyramidPlan.usualSlabByteCount,
            slabs.partsPerSlab <= 1,
            stages.contains(where: { $0.window > 1 })
        else { return nil }
        return slabByteCount
    }

    /// Bytes that a run of this plan holds at its peak when `slabsInFlight` slabs are under way:
    /// the kept levels, what is carried between levels, and the slab buffers themselves.
    package func price(slabsInFlight: Int) -> Int {
        let answer = keptLevels.reduce(0) { $0.addingClamped($1.byteCount) }
        guard slabCount > 0 else { return answer }
        let slots = max(1, min(slabsInFlight, slabCount))
        let width = spec.type.byteWidth
        if topology == .fan {
            let working = stages.reduce(0) { $0.addingClamped($1.workingByteCount(width: width)) }
            return answer.addingClamped(slots.multipliedClamped(by: slabByteCount.addingClamped(working)))
        }
        let head =
            slabs.pieces?.shareByteCount(width: width)
            ?? StageChain.byteCount(
                self,
                0..<slabs.headStageCount,
                batch: slabs.batchSliceCount,
                waits: false
            )
        let tail = StageChain.byteCount(
            self,
            slabs.headStageCount..<stages.count,
            batch: slabs.handoffSliceCount
        )
        let slot = slabByteCount.addingClamped(head).addingClamped(slabs.handoffByteCount)
        return answer.addingClamped(slots.multipliedClamped(by: slot)).addingClamped(tail)
            .addingClamped(slabs.pieces?.gatheringByteCount(width: width) ?? 0)
    }

    private static func mipCount(_ spec: PyramidSpec) -> Int {
        switch spec.mips {
        case .count(let count):
            return count
        case .all:
            var shape = spec.shape
            var count = 0
            while zip(shape.sizes, spec.factor.entries).contains(where: { $0 > 1 && $1 > 1 }) {
                shape = shape.downsampled(by: spec.factor)
                count += 1
            }
            return max(count, 1)
        }
    }
}

extension Stage {
    /// Settles what this stage makes besides what is kept: only what `next` reads.
    mutating func connect(to next: Stage?, isKept: Bool) {
        switch next?.operation {
        case .integerAverage(let average):
            if case .integerAverage(let own) = operation, average.readsSums {
                carry = Carry(sum: own.sum, count: own.count)
                makesImage = isKept
            }
        case .floatAverage:
            break  // a rescue may want the image, and what is carried is the rule's
        case nil:
            carry = Carry()
            makesImage = isKept
        default:
            break
        }
    }
}
