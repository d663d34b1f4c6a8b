// SPDX-License-Identifier: Apache-2.0
import Testing
import Volumes
import Voxels

@Suite struct ChunkGridTests {
    /// The example of the format's description: an offset off any multiple, sizes off any multiple.
    static let grid = ChunkGrid(
        bounds: Box3(begin: Extent3(-70, 13, 5), end: Extent3(133, 164, 72)),
        chunk: Extent3(repeating: 64)
    )

    @Test("The grid starts at the offset and is clipped at the end")
    func names() {
        #expect(Self.grid.cells == Extent3(4, 3, 2))
        #expect(Self.grid.cellCount == 24)
        #expect(ChunkName.text(Self.grid.box(Extent3(0, 0, 0))) == "-70--6_13-77_5-69")
        #expect(ChunkName.text(Self.grid.box(Extent3(3, 2, 1))) == "122-133_141-164_69-72")
    }

    @Test("Cells partition the bounds, in the order x, y, z, and each box leads back to its cell")
    func partition() {
        let cells = Array(BoxPositions(Self.grid.allCells))
        #expect(cells.count == 24)
        #expect(cells[1] == Extent3(1, 0, 0))
        var voxels = 0
        for (number, cell) in cells.enumerated() {
            let box = Self.grid.box(cell)
            voxels += box.extent.product ?? 0
            #expect(Self.grid.cell(of: box) == cell)
            #expect(Self.grid.number(of: cell) == number)
            #expect(Self.grid.cell(number: number) == cell)
            #expect(
                Self.grid.cells(covering: box)
                    == Box3(begin: cell, end: Extent3(cell.x + 1, cell.y + 1, cell.z + 1))
            )
        }
        #expect(voxels == 203 * 151 * 67)
    }

    @Test("A box off the grid, unclipped, empty or outside is no cell")
    func offGrid() {
        let box = Self.grid.box(Extent3(3, 2, 1))
        for axis in 0..<3 {
            for change in [-64, -1, 1, 64, 1 << 53] {
                var other = box
                other.end[axis] += change
                #expect(Self.grid.cell(of: other) == nil)
                other = box
                other.begin[axis] += change
                // One whole chunk earlier is a box of two cells.
                #expect(Self.grid.cell(of: other) == nil)
            }
        }
        #expect(
            Self.grid.cell(of: Box3(begin: Extent3(repeating: .min), end: Extent3(repeating: .max))) == nil
        )
        #expect(
            Self.grid.cell(of: Box3(begin: Extent3(repeating: .max), end: Extent3(repeating: .min))) == nil
        )
    }

    @Test("Cells that cover a box are those with a voxel of it")
    func covering() {
        let all = Box3(begin: Extent3(repeating: .min), end: Extent3(repeating: .max))
        #expect(Self.grid.cells(covering: all) == Self.grid.allCells)
        let box = Box3(begin: Extent3(-7, 76, 68), end: Extent3(58, 78, 69))
        #expect(Self.grid.cells(covering: box) == Box3(begin: Extent3(0, 0, 0), end: Extent3(2, 2, 1)))
        let outside = Box3(begin: Extent3(133, 13, 5), end: Extent3(140, 20, 9))
        #expect(Self.grid.cells(covering: outside).isEmpty)
        #expect(Array(BoxPositions(Self.grid.cells(covering: outside))).isEmpty)
    }

    @Test("The largest bounds there can be do not overflow")
    func largest() {
        let most = ScaleInfo.maxCoordinate - 1
        let bounds = Box3(begin: Extent3(-most, 0, most - 1), end: Extent3(most, 1, most))
        let grid = ChunkGrid(
            bounds: bounds,
            chunk: Extent3(ScaleInfo.maxChunkSide, 1, ScaleInfo.maxChunkSide)
        )
        let cell = Extent3(grid.cells.x - 1, 0, 0)
        #expect(grid.box(cell).end == bounds.end)
        #expect(grid.cell(of: grid.box(cell)) == cell)
    }
}
