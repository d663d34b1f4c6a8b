// SPDX-License-Identifier: Apache-2.0

/// What the median asks of a voxel type.
protocol MedianVoxel: Comparable {
    static var zero: Self { get }
    /// No number is above it.
    static var greatest: Self { get }
    /// The median of a box with a NaN; integers have none.
    static var undefined: Self { get }
    var isUndefined: Bool { get }
}

extension FixedWidthInteger where Self: MedianVoxel {
    @inline(__always)
    static var greatest: Self { .max }
    @inline(__always)
    static var undefined: Self { 0 }
    @inline(__always)
    var isUndefined: Bool { false }
}

extension BinaryFloatingPoint where Self: MedianVoxel {
    @inline(__always)
    static var greatest: Self { .infinity }
    @inline(__always)
    static var undefined: Self { .nan }
    @inline(__always)
    var isUndefined: Bool { self != self }
}

extension UInt8: MedianVoxel {}
extension UInt16: MedianVoxel {}
extension UInt32: MedianVoxel {}
extension UInt64: MedianVoxel {}
extension Int8: MedianVoxel {}
extension Int16: MedianVoxel {}
extension Int32: MedianVoxel {}
extension Int64: MedianVoxel {}
extension Float: MedianVoxel {}
extension Double: MedianVoxel {}
