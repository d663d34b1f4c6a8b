// SPDX-License-Identifier: Apache-2.0

extension PyramidPlan {
    /// How often the input is read: an exact mode or median reads it for each of its mips.
    package var passCount: Int { topology == .fan ? stages.count : 1 }

    /// Whether a thread reduces a slab in less time than a socket takes to bring it, whatever its voxels are: boxes of
    /// twos by vectors, without a branch that depends on a voxel.
    ///
    /// Measured with slabs of 1 MiB in a core's second cache (x86-64-v3): 25 to 130 microseconds for all mips. What is not
    /// light takes up to 11 ms.
    package var isLight: Bool {
        guard topology == .chain, let first = stages.first else { return false }
        return first.isLine ? first.row(ofWindows: 1).isLight : first.isLight
    }
}

extension Stage {
    /// Whether it, and with it all stages behind it, which reduce in the same way what it leaves, is light.
    fileprivate var isLight: Bool {
        guard factors[0] == 2, factors.allSatisfy({ $0 <= 2 }), factors.reduce(1, *) <= 8 else {
            return false
        }
        switch operation {
        case .integerAverage(let average): return average.count == nil
        case .floatAverage(let average):
            switch average.rule {
            // Sums of 64 bits are made voxel by voxel.
            case .once: return average.width == 4 && !average.isSparse
            case .carry: return !average.isSparse
            case .other, .otherSparse, .exact: return false
            }
        case .modePlane, .modeCountless, .modeFirst, .extreme, .stride: return true
        case .modeLine, .modeBox, .median: return false
        }
    }
}
