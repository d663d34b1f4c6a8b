// SPDX-License-Identifier: Apache-2.0
package import Downsampling
package import Voxels

/// How the voxels of a level that is made here come from those of a level below.
///
/// Source: `docs/semantics.md` section 10. Voxel `o` of the level is made of what exists of the base's voxels
/// `[o F, (o+1) F)`, with `F` the whole factor between the two: blocks are aligned to coordinate 0, not to the
/// bounds, so that no level is shifted against another.
package struct LevelRule: Sendable, Hashable {
    /// Index of the level that it is made of.
    package let base: Int
    /// From one level to the next.
    package let stepFactor: Extent3
    /// Levels from the base to this one; 1 but for compat averages, which carry their sums through a few levels.
    package let steps: Int
    package let method: Method
    package let precision: Precision
    package let sparse: Bool

    package init(
        base: Int,
        stepFactor: Extent3,
        steps: Int,
        method: Method,
        precision: Precision,
        sparse: Bool
    ) {
        self.base = base
        self.stepFactor = stepFactor
        self.steps = steps
        self.method = method
        self.precision = precision
        self.sparse = sparse
    }

    /// From the base to this level; at most `Int.max` along an axis, which is more than any volume is long.
    package var factor: Extent3 {
        var factor = stepFactor
        for _ in 1..<max(steps, 1) {
            for axis in 0..<3 { factor[axis] = factor[axis].multipliedClamped(by: stepFactor[axis]) }
        }
        return factor
    }

    /// What of the base's `bounds` the voxels of `box` are made of.
    package func sourceBox(of box: Box3, in bounds: Box3) -> Box3 {
        box.upsampled(by: factor).intersection(bounds)
    }
}

extension LevelRule {
    /// What tells rules apart on every run and in every version: it goes into the fingerprint of what is kept, so that
    /// another text for the same rules makes all that is kept be made again.
    static func text(_ rules: [LevelRule]) -> String {
        rules.map { rule in
            let factor = rule.stepFactor.entries.map(String.init).joined(separator: ",")
            return "base=\(rule.base) factor=\(factor) steps=\(rule.steps) method=\(rule.method.rawValue) "
                + "precision=\(rule.precision.rawValue) sparse=\(rule.sparse)"
        }.joined(separator: ";")
    }
}
