// SPDX-License-Identifier: Apache-2.0

/// The voxel types of the row kernels, as codes that may cross from a module to its twin for another
/// instruction set.
///
/// Each variant of this module has a `RowType` of its own, so entry points take the raw value.
package enum RowType: UInt8 {
    case u8 = 0
    case u16 = 1
    case u32 = 2
    case u64 = 3
    case i8 = 4
    case i16 = 5
    case i32 = 6
    case i64 = 7
    case f32 = 8
    case f64 = 9
    /// Sums of 64-bit voxels; never an image.
    case u128 = 10
    /// Sums of signed 64-bit voxels; never an image.
    case i128 = 11
}
