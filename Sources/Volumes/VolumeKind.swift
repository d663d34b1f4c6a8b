// SPDX-License-Identifier: Apache-2.0

/// What the voxels of a volume are. Raw values are the `type` of a precomputed `info`.
package enum VolumeKind: String, CaseIterable, Sendable, Hashable {
    /// Intensities.
    case image
    /// Labels.
    case segmentation
}
