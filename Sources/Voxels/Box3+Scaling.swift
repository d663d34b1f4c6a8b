// SPDX-License-Identifier: Apache-2.0

extension Int {
    /// `self / divisor`, rounded down, for negative numbers too. `divisor` is at least 1.
    package func floorDivided(by divisor: Int) -> Int {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// `self / divisor`, rounded up, for negative numbers too. `divisor` is at least 1.
    package func ceilDivided(by divisor: Int) -> Int {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest > 0 ? quotient + 1 : quotient
    }
}

extension Box3 {
    /// The voxels of the next level that are made of this box: `[floor(begin / factor), ceil(end / factor))` along
    /// each axis, so that blocks are aligned to position 0 and not to the box. `factor` is at least 1 everywhere.
    package func downsampled(by factor: Extent3) -> Box3 {
        var box = self
        for axis in 0..<3 {
            box.begin[axis] = begin[axis].floorDivided(by: factor[axis])
            box.end[axis] = end[axis].ceilDivided(by: factor[axis])
        }
        return box
    }

    /// The voxels of the level before that this box stands for: `[begin * factor, end * factor)` along each axis,
    /// clamped to what an `Int` holds. `factor` is at least 1 everywhere.
    package func upsampled(by factor: Extent3) -> Box3 {
        var box = self
        for axis in 0..<3 {
            box.begin[axis] = begin[axis].multipliedClamped(by: factor[axis])
            box.end[axis] = end[axis].multipliedClamped(by: factor[axis])
        }
        return box
    }
}
