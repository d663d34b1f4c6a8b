// SPDX-License-Identifier: Apache-2.0
import Origins
import Volumes
import Voxels

extension UploadPlan {
    /// What the levels take of the disk: to the byte where chunks are raw; where they are packed it is known how many
    /// there are, and that each has a byte.
    func diskNeed(_ cutting: LayerCutting) -> DiskNeed {
        let files = info.scales.flatMap { scale -> [DiskNeed.Files] in
            let grid = ChunkGrid(bounds: scale.bounds, chunk: scale.chunkExtents[0])
            let kinds = Self.boxKinds(grid)
            guard scale.encoding == .raw else { return kinds.map { .init(count: $0.count, byteCount: 1) } }
            return kinds.map {
                .init(count: $0.count, byteCount: $0.voxels.multipliedClamped(by: info.voxelBytes))
            }
        }
        return DiskNeed(files: files, scratch: cutting.spooledByteCount)
    }

    /// How many cells there are of each size: along each axis all are alike but the last one. At most eight kinds.
    private static func boxKinds(_ grid: ChunkGrid) -> [(count: Int, voxels: Int)] {
        var kinds = [(count: 1, voxels: 1)]
        for axis in 0..<3 {
            let last = grid.bounds.extent[axis] - (grid.cells[axis] - 1) * grid.chunk[axis]
            let sides = [(count: grid.cells[axis] - 1, side: grid.chunk[axis]), (count: 1, side: last)]
            kinds = kinds.flatMap { kind in
                sides.filter { $0.count > 0 }.map { side in
                    (
                        count: kind.count.multipliedClamped(by: side.count),
                        voxels: kind.voxels.multipliedClamped(by: side.side)
                    )
                }
            }
        }
        return kinds
    }
}
