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
    /// A shape with no voxel.
    case empty
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
/// The input is taken in slabs: consecutive byte ranges that cover it in memory order.
package struct PyramidPlan: Sendable {
    package static let maxMips = 32

    package let spec: PyramidSpec
    /// Every level that is computed, in rising order.
    package let levels: [LevelPlan]
    package let inputByteCount: Int
    package let slabCount: Int
    /// The largest slab, in bytes.
    package let slabByteCount: Int

    /// The levels of the answer, in rising order.
    package var keptLevels: [LevelPlan] { levels.filter(\.isKept) }

    /// Throws what the spec gets wrong; allocates nothing that grows with the array.
    package init(_ spec: PyramidSpec) throws(PlanError) { fatalError("coming") }

    /// Where slab `index` lies in the input, in bytes.
    package func slabRange(_ index: Int) -> Range<Int> { fatalError("coming") }

    /// Bytes that a run of this plan holds at its peak when `slabsInFlight` slabs are under way:
    /// the kept levels, what is carried between levels, and the slab buffers themselves.
    package func price(slabsInFlight: Int) -> Int { fatalError("coming") }
}
