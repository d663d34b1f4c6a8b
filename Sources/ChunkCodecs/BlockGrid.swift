// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// The blocks that a chunk is cut into: all alike, but clipped at the chunk's upper ends.
struct BlockGrid {
    /// Voxels along each axis of the chunk; their product is known to be countable.
    let chunk: Extent3
    /// Voxels along each axis of a whole block.
    let block: Extent3
    /// Blocks along each axis.
    let counts: Extent3
    let chunkVoxels: Int
    let blockVoxels: Int
    let blockCount: Int

    /// One block: which it is, where its first voxel lies in flat order, and its voxels along each axis.
    struct Cell {
        let index: Int
        let firstVoxel: Int
        let extent: Extent3
    }

    init(chunk: Extent3, block: Extent3) {
        guard let chunkVoxels = chunk.product, let blockVoxels = block.product else {
            preconditionFailure("extents were checked")
        }
        self.chunk = chunk
        self.block = block
        self.chunkVoxels = chunkVoxels
        self.blockVoxels = blockVoxels
        counts = Extent3(
            (chunk.x - 1) / block.x + 1,
            (chunk.y - 1) / block.y + 1,
            (chunk.z - 1) / block.z + 1
        )
        // No more than there are voxels.
        blockCount = counts.x * counts.y * counts.z
    }

    /// The block at `(i, j, k)` of the grid.
    func cell(_ i: Int, _ j: Int, _ k: Int) -> Cell {
        let x = i * block.x
        let y = j * block.y
        let z = k * block.z
        return Cell(
            index: i + counts.x * (j + counts.y * k),
            firstVoxel: x + chunk.x * (y + chunk.y * z),
            extent: Extent3(min(block.x, chunk.x - x), min(block.y, chunk.y - y), min(block.z, chunk.z - z))
        )
    }
}
