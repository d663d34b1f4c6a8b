// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// What one voxel of a mip is made of its box. Raw values are the API's `method`.
package enum Method: String, CaseIterable, Sendable, Hashable {
    case average, mode, min, max, median, stride
}

/// `compat`: bit for bit what tinybrain documents. `exact`: from mip 0, no drift, the true mode.
package enum Precision: String, CaseIterable, Sendable, Hashable {
    case compat, exact
}

/// How many mips are made.
package enum MipCount: Sendable, Hashable {
    case count(Int)
    /// Until no downsampled axis is longer than 1.
    case all
}

/// Everything that decides the bits of a pyramid: the array, and what is to be made of it.
package struct PyramidSpec: Sendable, Hashable {
    package var type: VoxelType
    /// Axis order x, y, z, channel, time, whatever `order` is.
    package var shape: Shape
    /// Of the input and of the levels.
    package var order: MemoryOrder
    package var method: Method
    package var precision: Precision
    package var factor: Factor
    package var mips: MipCount
    package var sparse: Bool
    /// The mips to keep, from 1; `nil`: all of them.
    package var levels: ClosedRange<Int>?

    package init(
        type: VoxelType,
        shape: Shape,
        order: MemoryOrder = .fortran,
        method: Method = .average,
        precision: Precision = .compat,
        factor: Factor,
        mips: MipCount = .count(1),
        sparse: Bool = false,
        levels: ClosedRange<Int>? = nil
    ) {
        self.type = type
        self.shape = shape
        self.order = order
        self.method = method
        self.precision = precision
        self.factor = factor
        self.mips = mips
        self.sparse = sparse
        self.levels = levels
    }
}
