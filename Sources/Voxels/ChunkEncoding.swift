// SPDX-License-Identifier: Apache-2.0

/// How the voxels of a chunk are written down. Raw values are the `encoding` of a precomputed scale.
package enum ChunkEncoding: String, CaseIterable, Sendable, Hashable {
    case raw, jpeg, png
    case compressedSegmentation = "compressed_segmentation"
    /// Passed on, but neither read nor written here.
    case compresso, jxl

    /// Whether chunks can be decoded and encoded here.
    package var isReadable: Bool {
        switch self {
        case .raw, .jpeg, .png, .compressedSegmentation: true
        case .compresso, .jxl: false
        }
    }
}
