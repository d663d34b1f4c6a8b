// SPDX-License-Identifier: Apache-2.0
package import Downsampling
package import HTTPTypes
import Voxels

/// The fields that describe an answer's levels.
package enum PyramidFields {
    /// `Pyramid-Levels` is a structured field (RFC 9651): a list of inner lists, the mip and then its shape.
    package static func make(_ plan: PyramidPlan) -> HTTPFields {
        let levels = plan.keptLevels.map { level in
            "(" + ([level.mip] + level.shape.sizes).map(String.init).joined(separator: " ") + ")"
        }
        return [
            .pyramidDtype: plan.spec.type.rawValue,
            .pyramidOrder: plan.spec.order.rawValue,
            .pyramidLevels: levels.joined(separator: ", "),
        ]
    }
}
