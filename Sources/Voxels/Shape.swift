// SPDX-License-Identifier: Apache-2.0

/// Why a list of axis sizes or factors is refused.
package enum AxesError: Error, Equatable, Sendable {
    /// Not 1 to 5 entries.
    case axisCount(Int)
    /// A size below 0, at this axis.
    case negativeSize(Int, axis: Int)
    /// A factor below 1, at this axis.
    case factorBelowOne(Int, axis: Int)
    /// ``Shape/maxVoxelCount`` voxels or more: so many, axes of size 0 left out; `Int.max` stands for all that is more.
    case tooLarge(voxelCount: Int)
}

/// The sizes of an array's axes, in the order x, y, z, channel, time; 1 to 5 of them.
package struct Shape: Sendable, Hashable {
    package static let maxAxes = 5
    /// No array has as many voxels, so that sums of a few sizes in bytes never leave 63 bits.
    package static let maxVoxelCount = 1 << 52

    package let sizes: [Int]

    /// - Throws: ``AxesError`` for a wrong number of axes, a negative size, or ``maxVoxelCount`` voxels and more.
    ///   A size of 0 is not an error: such an array is empty.
    package init(_ sizes: [Int]) throws(AxesError) {
        guard (1...Shape.maxAxes).contains(sizes.count) else { throw .axisCount(sizes.count) }
        var count = 1
        for (axis, size) in sizes.enumerated() {
            guard size >= 0 else { throw .negativeSize(size, axis: axis) }
            count = count.multipliedClamped(by: max(size, 1))
        }
        guard count < Shape.maxVoxelCount else { throw .tooLarge(voxelCount: count) }
        self.sizes = sizes
    }

    package var axisCount: Int { sizes.count }
    package var voxelCount: Int { sizes.reduce(1, *) }

    package func byteCount(_ type: VoxelType) -> Int { voxelCount * type.byteWidth }

    /// The shape of the next mip: every axis divided by its factor, rounded up.
    package func downsampled(by factor: Factor) -> Shape {
        Shape(unchecked: sizes.enumerated().map { axis, size in factor[axis].dividingUp(size) })
    }

    private init(unchecked sizes: [Int]) { self.sizes = sizes }
}

/// How many voxels of one mip make one of the next, along each axis; missing entries are 1.
package struct Factor: Sendable, Hashable {
    /// Always five entries.
    package let entries: [Int]

    /// - Throws: ``AxesError`` for a wrong number of entries or an entry below 1.
    package init(_ entries: [Int]) throws(AxesError) {
        guard (1...Shape.maxAxes).contains(entries.count) else { throw .axisCount(entries.count) }
        for (axis, entry) in entries.enumerated() where entry < 1 {
            throw .factorBelowOne(entry, axis: axis)
        }
        self.entries = entries + Array(repeating: 1, count: Shape.maxAxes - entries.count)
    }

    package subscript(axis: Int) -> Int { entries[axis] }
    package var isIdentity: Bool { entries.allSatisfy { $0 == 1 } }
}

extension Int {
    /// `size / self`, rounded up, without overflow; `self` is at least 1.
    package func dividingUp(_ size: Int) -> Int { size / self + (size % self == 0 ? 0 : 1) }
}
