// SPDX-License-Identifier: Apache-2.0

/// A box of voxels: from `begin` on, up to but without `end`, along x, y, z.
package struct Box3: Sendable, Hashable {
    package var begin: Extent3
    package var end: Extent3

    package init(begin: Extent3, end: Extent3) {
        self.begin = begin
        self.end = end
    }

    /// Voxels along each axis. Boxes come from checked bounds, so that the difference has room.
    package var extent: Extent3 { Extent3(end.x &- begin.x, end.y &- begin.y, end.z &- begin.z) }

    /// Whether there is no voxel in it.
    package var isEmpty: Bool { end.x <= begin.x || end.y <= begin.y || end.z <= begin.z }

    /// What lies in both boxes; may be empty.
    package func intersection(_ other: Box3) -> Box3 {
        var box = self
        for axis in 0..<3 {
            box.begin[axis] = max(begin[axis], other.begin[axis])
            box.end[axis] = min(end[axis], other.end[axis])
        }
        return box
    }

    /// Whether every voxel of `other` is in this box.
    package func contains(_ other: Box3) -> Bool {
        (0..<3).allSatisfy { begin[$0] <= other.begin[$0] && other.end[$0] <= end[$0] }
    }
}
