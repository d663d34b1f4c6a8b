// SPDX-License-Identifier: Apache-2.0

/// Enumerates the positions of a box in a given order of axes.
///
/// A position is an index into the window of slices and an offset in elements from the box's first voxel of a slice.
struct BoxWalk {
    private let order: [Int]
    private let extents: [Int]
    private let strides: [Int]
    private let stream: Int
    private var step: [Int]
    private(set) var isDone: Bool

    ///
    /// * `order`: Axes of a part, the fastest of the enumeration first.
    /// * `extents`: Voxels of the box along each axis.
    /// * `strides`: Elements between neighbours along each axis of a slice.
    init(order: [Int], extents: [Int], strides: [Int], stream: Int) {
        self.order = order
        self.extents = extents
        self.strides = strides
        self.stream = stream
        step = extents.map { _ in 0 }
        isDone = extents.contains(0)
    }

    /// The steps along each axis from the box's first voxel to the walk's position.
    var steps: [Int] { step }

    var position: (slice: Int, offset: Int) {
        var offset = 0
        for axis in 0..<stream { offset += step[axis] * strides[axis] }
        return (step[stream], offset)
    }

    mutating func advance() {
        for axis in order {
            step[axis] += 1
            if step[axis] < extents[axis] { return }
            step[axis] = 0
        }
        isDone = true
    }
}
