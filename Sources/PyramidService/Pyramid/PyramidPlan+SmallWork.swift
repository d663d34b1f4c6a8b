// SPDX-License-Identifier: Apache-2.0
package import Downsampling
import Voxels

extension PyramidPlan {
    /// Whether the input is reduced on the loop that read it, instead of on a lane.
    ///
    /// A lane costs the loop two calls to the kernel and two changes of threads, some 50 microseconds in all. Bounded so
    /// that everybody else on the loop waits for about 0.1 ms at most: methods that read each voxel once, by vectors, take
    /// that for 512 KiB; all others are given 64 KiB.
    package var isSmallWork: Bool {
        let isVectorised: Bool =
            switch spec.method {
            case .average: !spec.sparse && (spec.type.isFloat || spec.type.byteWidth <= 4)
            case .min, .max, .stride: true
            default: false
            }
        return inputByteCount <= (isVectorised ? 512 << 10 : 64 << 10)
    }
}
