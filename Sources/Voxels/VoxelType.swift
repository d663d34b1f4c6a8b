// SPDX-License-Identifier: Apache-2.0

/// What one voxel is. Raw values are numpy's names, as the API spells them.
package enum VoxelType: String, CaseIterable, Sendable, Hashable {
    case uint8, uint16, uint32, uint64
    case int8, int16, int32, int64
    case float32, float64
    /// A label of 0 or 1. It comes from `.npy` bodies alone: the API's `dtype` does not name it.
    case bool

    /// Bytes of one voxel.
    package var byteWidth: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        }
    }

    package var isFloat: Bool { self == .float32 || self == .float64 }

    package var isSigned: Bool {
        switch self {
        case .int8, .int16, .int32, .int64, .float32, .float64: true
        case .uint8, .uint16, .uint32, .uint64, .bool: false
        }
    }
}
