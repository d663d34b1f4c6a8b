// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// The size of one voxel along x, y, z, in nanometres: the `resolution` of a precomputed scale.
package struct VoxelSize: Sendable, Hashable {
    /// What one side may be. Far beyond use; products with positions and factors stay finite.
    package static let allowed: ClosedRange<Double> = 1e-30...1e30

    package var x: Double
    package var y: Double
    package var z: Double

    package init(_ x: Double, _ y: Double, _ z: Double) {
        self.x = x
        self.y = y
        self.z = z
    }

    /// Axis 0 is x, 1 is y, 2 is z.
    package subscript(axis: Int) -> Double {
        get { axis == 0 ? x : axis == 1 ? y : z }
        set {
            switch axis {
            case 0: x = newValue
            case 1: y = newValue
            default: z = newValue
            }
        }
    }

    /// x, y, z.
    package var entries: [Double] { [x, y, z] }

    /// Whether every side is within ``allowed``; not so for NaN.
    package var isAllowed: Bool { entries.allSatisfy { VoxelSize.allowed.contains($0) } }

    /// The size of a voxel that is made of `factor` voxels.
    package func scaled(by factor: Extent3) -> VoxelSize {
        VoxelSize(x * Double(factor.x), y * Double(factor.y), z * Double(factor.z))
    }

    /// The habit of precomputed keys: `8_8_40`, `0.5_0.5_1`. Plus signs of exponents are left out: some clients and
    /// servers take them for spaces.
    package var key: String {
        entries.map { side in
            Int(exactly: side).map(\.description) ?? side.description.filter { $0 != "+" }
        }.joined(separator: "_")
    }
}

extension VoxelSize {
    /// What one side may be, in a message.
    static let wording = "a number of nanometres from 1e-30 to 1e30"
}
