// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Origins
import Testing
import Volumes
import Voxels

@testable import PyramidService

private func plan(_ query: String, _ sizes: [Int], _ type: VoxelType, _ order: MemoryOrder = .fortran) throws
    -> (UploadPlan, LayerCutting)
{
    let query = try UploadQuery(query)
    let spec = PyramidSpec(
        type: type,
        shape: try Shape(sizes),
        order: order,
        method: .average,
        factor: try Factor([2, 2, 2]),
        mips: .all
    )
    let plan = try UploadPlan(query, spec, mipLimit: 32)
    return (plan, plan.cutting(order))
}

@Test("Raw chunks need what they hold, in whole blocks, for every level")
func rawNeed() throws {
    let (plan, cutting) = try plan("kind=image&factor=2,2,2&chunk_size=16,16,16", [33, 16, 20], .uint16)
    let need = plan.diskNeed(cutting)
    // Counted one by one.
    var bytes = 0
    var blocks = 0
    var count = 0
    for scale in plan.info.scales {
        let grid = ChunkGrid(bounds: scale.bounds, chunk: scale.chunkExtents[0])
        for cell in BoxPositions(Box3(begin: Extent3(repeating: 0), end: grid.cells)) {
            let size = (grid.box(cell).extent.product ?? 0) * 2
            bytes += size
            blocks += (size + 4095) / 4096 * 4096
            count += 1
        }
    }
    #expect(need.byteCount(block: 1) == bytes)
    #expect(need.byteCount(block: 4096) == blocks)
    #expect(need.fileCount == count)
    #expect(need.scratch == 0)
}

@Test("Of packed chunks it is known how many there are")
func packedNeed() throws {
    let (plan, cutting) = try plan(
        "kind=image&mips=0&encoding=png&chunk_size=16,16,16",
        [33, 16, 20],
        .uint8
    )
    #expect(plan.diskNeed(cutting).byteCount(block: 4096) == 6 * 4096)
}

@Test("Channels that wait need their room for as long")
func channelNeed() throws {
    let (plan, cutting) = try plan("kind=image&mips=0&chunk_size=16,16,16", [32, 16, 32, 3], .uint8)
    let need = plan.diskNeed(cutting)
    #expect(need.scratch == 32 * 16 * 32 * 2)
    #expect(need.byteCount(block: 4096) == 32 * 16 * 32 * 5)
}
