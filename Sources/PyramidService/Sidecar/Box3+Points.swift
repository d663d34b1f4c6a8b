// SPDX-License-Identifier: Apache-2.0
import Voxels

extension Box3 {
    /// Every point of the box, x fastest; for boxes of cells, which are counted by the thousand, not of voxels.
    var points: [Extent3] {
        var points: [Extent3] = []
        for z in begin.z..<Swift.max(begin.z, end.z) {
            for y in begin.y..<Swift.max(begin.y, end.y) {
                for x in begin.x..<Swift.max(begin.x, end.x) { points.append(Extent3(x, y, z)) }
            }
        }
        return points
    }
}
