// SPDX-License-Identifier: Apache-2.0
internal import RowKernels
internal import Voxels

/// `RowType` of the row kernels, as the code that every variant of them understands.
struct RowCode: Sendable, Equatable {
    let code: UInt8
    let byteWidth: Int

    private init(_ type: RowType, _ byteWidth: Int) {
        code = type.rawValue
        self.byteWidth = byteWidth
    }

    init(_ type: VoxelType) {
        let row: RowType =
            switch type {
            case .uint8, .bool: .u8
            case .uint16: .u16
            case .uint32: .u32
            case .uint64: .u64
            case .int8: .i8
            case .int16: .i16
            case .int32: .i32
            case .int64: .i64
            case .float32: .f32
            case .float64: .f64
            }
        self.init(row, type.byteWidth)
    }

    /// The narrowest type for sums of `bits` bits, sign included; `nil` past 128.
    init?(sumBits bits: Int, isSigned: Bool) {
        switch bits {
        case ...16: self.init(isSigned ? .i16 : .u16, 2)
        case ...32: self.init(isSigned ? .i32 : .u32, 4)
        case ...64: self.init(isSigned ? .i64 : .u64, 8)
        case ...128: self.init(isSigned ? .i128 : .u128, 16)
        default: return nil
        }
    }
}
