// SPDX-License-Identifier: Apache-2.0
package import Downsampling
import Voxels

/// Where the slabs of a pyramid are reduced.
package enum ReductionPlace: Sendable {
    /// On the loop that reads them, one after another, while they are in its core's cache.
    case loop
    /// On lanes, while the next ones are read.
    case lanes

    /// A slab of light work of so many bytes takes the loop about 0.4 ms, less than reading it does.
    private static let largestLightSlab = 4 << 20

    package init(_ plan: PyramidPlan) {
        let isLight = plan.isLight && plan.slabByteCount <= Self.largestLightSlab
        self = isLight || plan.isSmallWork ? .loop : .lanes
    }
}

extension PyramidPlan {
    /// Whether the whole input is not worth the way to a lane and back, which costs two calls to the kernel and two changes
    /// of threads, some 50 microseconds in all.
    ///
    /// Bounded so that everybody else on the loop waits for about 0.1 ms: methods that read each voxel once, by vectors,
    /// take that for 512 KiB; all others are given 16 KiB, read once, for which they were seen to take 0.2 ms at most.
    package var isSmallWork: Bool {
        let isVectorised: Bool =
            switch spec.method {
            case .average: !spec.sparse && (spec.type.isFloat || spec.type.byteWidth <= 4)
            case .min, .max, .stride: true
            default: false
            }
        return inputByteCount.multipliedClamped(by: passCount) <= (isVectorised ? 512 << 10 : 16 << 10)
    }
}
