// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// A precomputed volume, as its `info` describes it.
package struct VolumeInfo: Sendable, Hashable {
    /// How many scales a volume may have.
    package static let maxScales = 64
    package static let maxChannels = 4096
    /// How many bytes of `info` are read unless told otherwise.
    package static let defaultByteLimit = 1 << 20

    package var kind: VolumeKind
    /// Never `int64`, `float64` or `bool`: the format has none.
    package var type: VoxelType
    package var channels: Int
    /// Finest first, at least one.
    package var scales: [ScaleInfo]
    /// Members that mean nothing here; they are kept and written again. `mesh`, `skeletons` and
    /// `segment_properties` are among them.
    package var others: [String: JSONValue]

    /// A volume of our own making, whose numbers were checked.
    package init(
        kind: VolumeKind,
        type: VoxelType,
        channels: Int,
        scales: [ScaleInfo],
        others: [String: JSONValue] = [:]
    ) {
        precondition(!scales.isEmpty && type.isPrecomputed && channels > 0, "no such volume can be described")
        self.kind = kind
        self.type = type
        self.channels = channels
        self.scales = scales
        self.others = others
    }
}

extension VoxelType {
    /// Whether a precomputed volume can have such voxels.
    package var isPrecomputed: Bool {
        switch self {
        case .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .float32: true
        case .int64, .float64, .bool: false
        }
    }

    static let precomputedWording =
        "one of " + allCases.filter(\.isPrecomputed).map(\.rawValue).joined(separator: ", ")
}
