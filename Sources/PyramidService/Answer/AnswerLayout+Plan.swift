// SPDX-License-Identifier: Apache-2.0
package import ChunkCodecs
package import Downsampling

extension AnswerLayout {
    /// The layout of the kept levels of `plan`.
    /// - Throws: `LayoutError` when the answer is larger than anything.
    package init(_ format: AnswerFormat, _ plan: PyramidPlan, checksumsAfterLevels: Bool = false) throws {
        let levels = plan.keptLevels.map { level in
            AnswerLevel(mip: level.mip, type: plan.spec.type, shape: level.shape, order: plan.spec.order)
        }
        try self.init(format, levels: levels, checksumsAfterLevels: checksumsAfterLevels)
    }
}
