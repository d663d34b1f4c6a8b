// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// The cells that chunks divide a box into.
///
/// The grid starts at the box's begin, not at multiples of the chunk's size; the last cells along each axis are
/// clipped at its end. A cell is named by its index along x, y, z, from 0 on.
package struct ChunkGrid: Sendable, Hashable {
    package let bounds: Box3
    package let chunk: Extent3
    /// Cells along each axis.
    package let cells: Extent3

    /// - Precondition: `bounds` is not empty and lies within ``ScaleInfo/maxCoordinate``, and no side of `chunk` is
    ///   below 1 or above ``ScaleInfo/maxChunkSide``.
    package init(bounds: Box3, chunk: Extent3) {
        precondition(
            !bounds.isEmpty && chunk.entries.allSatisfy { $0 >= 1 },
            "a grid has cells, and they have voxels"
        )
        self.bounds = bounds
        self.chunk = chunk
        let extent = bounds.extent
        cells = Extent3(
            chunk.x.dividingUp(extent.x),
            chunk.y.dividingUp(extent.y),
            chunk.z.dividingUp(extent.z)
        )
    }

    /// How many cells there are.
    package var cellCount: Int { cells.x * cells.y * cells.z }

    /// Whether there is such a cell.
    package func contains(_ cell: Extent3) -> Bool {
        (0..<3).allSatisfy { cell[$0] >= 0 && cell[$0] < cells[$0] }
    }

    /// The voxels of a cell, clipped at the bounds' end. The cell must be one of the grid.
    package func box(_ cell: Extent3) -> Box3 {
        precondition(contains(cell), "no such cell")
        var box = bounds
        for axis in 0..<3 {
            box.begin[axis] = bounds.begin[axis] + cell[axis] * chunk[axis]
            box.end[axis] = min(bounds.end[axis], box.begin[axis] + chunk[axis])
        }
        return box
    }

    /// The cell whose voxels are exactly `box`, or `nil`. Any box may be asked for.
    package func cell(of box: Box3) -> Extent3? {
        guard bounds.contains(box), !box.isEmpty else { return nil }
        var cell = Extent3(repeating: 0)
        for axis in 0..<3 {
            let (index, rest) = (box.begin[axis] - bounds.begin[axis]).quotientAndRemainder(
                dividingBy: chunk[axis]
            )
            guard rest == 0, box.end[axis] == min(bounds.end[axis], box.begin[axis] + chunk[axis]) else {
                return nil
            }
            cell[axis] = index
        }
        return cell
    }

    /// The cells that have voxels of `box`, as a box of cell indices; an empty one where there is none.
    package func cells(covering box: Box3) -> Box3 {
        let inside = box.intersection(bounds)
        var range = Box3(begin: Extent3(repeating: 0), end: Extent3(repeating: 0))
        guard !inside.isEmpty else { return range }
        for axis in 0..<3 {
            range.begin[axis] = (inside.begin[axis] - bounds.begin[axis]) / chunk[axis]
            range.end[axis] = (inside.end[axis] - 1 - bounds.begin[axis]) / chunk[axis] + 1
        }
        return range
    }

    /// All cells, as a box of cell indices.
    package var allCells: Box3 { Box3(begin: Extent3(repeating: 0), end: cells) }

    /// Where a cell stands among all, x fastest: 0 up to ``cellCount``.
    package func number(of cell: Extent3) -> Int { cell.x + cells.x * (cell.y + cells.y * cell.z) }

    /// The cell at `number`, which must be 0 up to ``cellCount``.
    package func cell(number: Int) -> Extent3 {
        precondition((0..<cellCount).contains(number), "no such cell")
        let (yz, x) = number.quotientAndRemainder(dividingBy: cells.x)
        let (z, y) = yz.quotientAndRemainder(dividingBy: cells.y)
        return Extent3(x, y, z)
    }
}

/// The positions in a box, x fastest, then y, then z.
package struct BoxPositions: Sequence, IteratorProtocol, Sendable {
    private let box: Box3
    private var upcoming: Extent3?

    package init(_ box: Box3) {
        self.box = box
        upcoming = box.isEmpty ? nil : box.begin
    }

    package mutating func next() -> Extent3? {
        guard let position = upcoming else { return nil }
        var following = position
        for axis in 0..<3 {
            following[axis] += 1
            if following[axis] < box.end[axis] {
                upcoming = following
                return position
            }
            following[axis] = box.begin[axis]
        }
        upcoming = nil
        return position
    }
}
