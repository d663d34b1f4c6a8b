// SPDX-License-Identifier: Apache-2.0

/// Enumerates the positions of a box in a given order of axes.
struct BoxWalk {
    private let order: [Int]
    private let extents: [Int]
    private let strides: [Int]
    /// The steps along each axis from the box's first voxel to the walk's position.
    private(set) var steps: [Int]
    private(set) var isDone: Bool

    /// `order` lists the axes, the fastest of the enumeration first; `extents` are the box's voxels and `strides` the
    /// elements between neighbours along each axis.
    init(order: [Int], extents: [Int], strides: [Int]) {
        self.order = order
        self.extents = extents
        self.strides = strides
        steps = extents.map { _ in 0 }
        isDone = extents.contains(0)
    }

    /// Elements from the box's first voxel to the walk's position.
    var offset: Int {
        var offset = 0
        for axis in steps.indices { offset += steps[axis] * strides[axis] }
        return offset
    }

    mutating func advance() {
        for axis in order {
            steps[axis] += 1
            if steps[axis] < extents[axis] { return }
            steps[axis] = 0
        }
        isDone = true
    }
}
