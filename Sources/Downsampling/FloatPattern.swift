// SPDX-License-Identifier: Apache-2.0

/// The input below one output row.
struct FloatRow {
    let input: SliceRun
    let stretch: Stretch
    let line: Int
    let ahead: ReadAhead?

    /// Elements from the begin of the input to the first voxel of the row's first box.
    var begin: Int { stretch.begin + line * stretch.step }

    /// The row's index along an axis.
    func at(_ axis: Int) -> Int { axis == 1 ? stretch.first + line : stretch.at[axis] }
}

/// Neighbouring boxes of a row, all of one kind.
struct FloatBox {
    let row: FloatRow
    /// The first box's index along the row.
    var begin: Int
    var count: Int
    let mask: Int
}

/// What is to be known of a kind of box.
struct FloatPattern {
    let extents: [Int]
    let voxelCount: Int
    /// Whether no axis clips it.
    let isComplete: Bool
    /// Twos along the axes on which the box is clipped though the axis has more than one box.
    let clippedWeight: Double
    /// Whether it is complete, of 4 or 8 voxels, and its additions take neighbours along the row one after another.
    let isPaired: Bool
    /// Its positions in the order of additions; `nil` for boxes too large to be listed.
    let offsets: [Int]?

    init(_ grid: RowGrid, _ average: FloatAverage, _ mask: Int) {
        let extents = grid.extents(mask)
        self.extents = extents
        let count = extents.reduce(1) { $0.multiplied(by: $1, atMost: 1 << 62) }
        voxelCount = count
        isComplete = extents == grid.factors
        var weight = 1.0
        for axis in extents.indices where extents[axis] < grid.factors[axis] && grid.outSizes[axis] > 1 {
            weight *= 2
        }
        clippedWeight = weight
        guard count <= FloatAverageRunner.positionLimit else {
            offsets = nil
            isPaired = false
            return
        }
        var list: [Int] = []
        var walk = BoxWalk(order: average.order, extents: extents, strides: grid.inStrides)
        while !walk.isDone {
            list.append(walk.offset)
            walk.advance()
        }
        offsets = list
        let neighbours = stride(from: 0, to: list.count - 1, by: 2).allSatisfy {
            list[$0 + 1] == list[$0] + 1
        }
        isPaired = isComplete && grid.factors[0] == 2 && (count == 4 || count == 8) && neighbours
    }
}
