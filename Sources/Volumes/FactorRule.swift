// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// By how much each level is coarser than the one before.
package enum FactorRule: Sendable, Hashable {
    /// The largest factor along one axis.
    package static let maxFactor = 64

    /// The same factor for every level.
    case fixed(Extent3)
    /// Factor 2 along the axes whose voxels are nearest to the finest, so that voxels become cubes.
    ///
    /// Of the axes that can still get shorter, those take part whose voxel side is at most √2 times the finest of
    /// them. From 8, 8, 40 nm on that is (2,2,1) twice, then (2,2,2). Whatever the start, sides come within a
    /// factor of √2 of each other and stay there.
    case auto

    /// The factor between a level and the next, or `nil` if the rule has none that would make it smaller.
    func factor(bounds: Box3, voxelSize: VoxelSize) -> Extent3? {
        switch self {
        case .fixed(let factor): return factor
        case .auto:
            let axes = (0..<3).filter { bounds.canShrink(along: $0) }
            guard let finest = axes.map({ voxelSize[$0] }).min() else { return nil }
            var factor = Extent3(repeating: 1)
            for axis in axes where voxelSize[axis] <= finest * 2.0.squareRoot() { factor[axis] = 2 }
            return factor
        }
    }
}

/// How many levels are made beyond those of the source.
package enum MipsRule: Sendable, Hashable {
    /// Until the level fits into one chunk along every axis that the factor shortens, or cannot get shorter there.
    case all
    /// Exactly so many, however small they get; ``FactorRule/auto`` alone ends earlier, at one voxel.
    case count(Int)
}

extension Box3 {
    /// Whether downsampling can make it shorter along an axis. One voxel cannot, nor can two on either side of 0,
    /// since blocks are aligned to 0: they stay apart for ever.
    func canShrink(along axis: Int) -> Bool {
        !(begin[axis] >= -1 && end[axis] <= 1) && end[axis] - begin[axis] > 1
    }
}
