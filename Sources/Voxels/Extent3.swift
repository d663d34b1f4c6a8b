// SPDX-License-Identifier: Apache-2.0

/// Three whole numbers along x, y, z: a size, a factor, or a position, in voxels.
package struct Extent3: Sendable, Hashable {
    package var x: Int
    package var y: Int
    package var z: Int

    package init(_ x: Int, _ y: Int, _ z: Int) {
        self.x = x
        self.y = y
        self.z = z
    }

    /// The same number along every axis.
    package init(repeating value: Int) { self.init(value, value, value) }

    /// Axis 0 is x, 1 is y, 2 is z.
    package subscript(axis: Int) -> Int {
        get {
            switch axis {
            case 0: x
            case 1: y
            default: z
            }
        }
        set {
            switch axis {
            case 0: x = newValue
            case 1: y = newValue
            default: z = newValue
            }
        }
    }

    /// x, y, z.
    package var entries: [Int] { [x, y, z] }

    /// The product of the three, or `nil` beyond 63 bits.
    package var product: Int? {
        let (xy, overflow) = x.multipliedReportingOverflow(by: y)
        let (xyz, overflows) = xy.multipliedReportingOverflow(by: z)
        return overflow || overflows ? nil : xyz
    }
}
