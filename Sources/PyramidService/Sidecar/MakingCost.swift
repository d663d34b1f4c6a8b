// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Volumes
import Voxels

/// What making a chunk costs, as far as it is known before: voxels of the source, and memory.
struct MakingCost {
    /// What a parent costs beside its bytes: its places in lists and tables, its tag, and a task. It tells where chunks
    /// are so small that there are millions of them.
    private static let parentOverhead = 512

    private let supply: ChunkSupply
    private let volume: ServedVolume

    init(_ supply: ChunkSupply, _ volume: ServedVolume) {
        self.supply = supply
        self.volume = volume
    }

    /// Whether the chunk is made of no more voxels of the source than one request may read, whatever is kept.
    func isSurelyWithin(_ level: Int, _ place: ChunkPlace) -> Bool {
        atMost(level, place) <= supply.limits.sourceVoxels
    }

    /// Passes when the chunk is made of no more voxels of the source than one request may read.
    ///
    /// - Throws: ``ServiceError/overloaded(limit:_:)``: viewers ask again later, when somebody may have built it.
    func check(_ level: Int, _ place: ChunkPlace) async throws {
        let limit = supply.limits.sourceVoxels
        // First as if nothing in between was there; only if that is too much, what is there is looked for.
        if isSurelyWithin(level, place) { return }
        var spent = 0
        try await count(level, place, &spent, limit)
        guard spent <= limit else {
            throw ServiceError.overloaded(
                limit: "limits.source_voxels",
                "The chunk \(volume.levels[level].name(place)) would be made of more than \(limit) voxels of the "
                    + "source in one request. Make the finer levels first: pyramidion build \(volume.name)."
            )
        }
    }

    /// Voxels of the source that lie in the chunks which the chunk is made of, with nothing kept in between.
    private func atMost(_ level: Int, _ place: ChunkPlace) -> Int {
        var (index, box) = (level, volume.levels[level].grids[place.grid].box(place.cell))
        while case .made(let rule) = volume.levels[index].provider {
            let base = volume.levels[rule.base]
            let source = rule.sourceBox(of: box, in: base.bounds)
            let cells = base.grids[0].cells(covering: source)
            box = Box3(
                begin: base.grids[0].box(cells.begin).begin,
                end: base.grids[0].box(Extent3(cells.end.x - 1, cells.end.y - 1, cells.end.z - 1)).end
            )
            index = rule.base
        }
        return box.extent.product ?? .max
    }

    /// Adds the voxels of the source that are really needed, and gives up beyond `limit`.
    ///
    /// Recursion is as deep as there are levels.
    private func count(_ level: Int, _ place: ChunkPlace, _ spent: inout Int, _ limit: Int) async throws {
        guard spent <= limit else { return }
        let served = volume.levels[level]
        let box = served.grids[place.grid].box(place.cell)
        guard case .made(let rule) = served.provider else {
            spent = spent.addingClamped(box.extent.product ?? .max)
            return
        }
        let key = served.objectKey(place)
        if supply.keeping.pending(volume, key) != nil { return }
        if try await volume.store?.contains(key) == true { return }
        let base = volume.levels[rule.base]
        let cells = base.grids[0].cells(covering: rule.sourceBox(of: box, in: base.bounds))
        for cell in BoxPositions(cells) {
            try Task.checkCancellation()
            try await count(rule.base, ChunkPlace(cell: cell), &spent, limit)
        }
    }

    /// Memory for one chunk of each level from this one down.
    func byteCount(_ level: Int) -> Int {
        var total = 0
        var index = level
        while case .made(let rule) = volume.levels[index].provider {
            total = total.addingClamped(stepByteCount(index))
            index = rule.base
        }
        return total
    }

    /// Memory for one chunk of a made level: its parents as they are encoded, the box that they fill, one of them
    /// decoded, and the chunk itself. A bound, but for encodings that make voxels larger.
    func stepByteCount(_ level: Int) -> Int {
        guard case .made(let rule) = volume.levels[level].provider else { return 0 }
        let base = volume.levels[rule.base]
        var box = volume.info.voxelBytes
        var parents = 1
        for axis in 0..<3 {
            let needed = volume.levels[level].grids[0].chunk[axis].multipliedClamped(by: rule.factor[axis])
            let size = min(needed, base.bounds.extent[axis])
            box = box.multipliedClamped(by: size)
            let cells = min(base.grids[0].chunk[axis].dividingUp(size) + 1, base.grids[0].cells[axis])
            parents = parents.multipliedClamped(by: cells)
        }
        return box.addingClamped((parents + 1).multipliedClamped(by: chunkBytes(base) + Self.parentOverhead))
            .addingClamped(3.multipliedClamped(by: chunkBytes(volume.levels[level])))
    }

    /// Bytes of the voxels of a whole chunk of a level: below 2^55, as those of the level itself are.
    func chunkBytes(_ level: ServedLevel) -> Int {
        let chunk = level.grids[0].chunk
        var voxels = volume.info.voxelBytes
        for axis in 0..<3 {
            voxels = voxels.multipliedClamped(by: min(chunk[axis], level.bounds.extent[axis]))
        }
        return voxels
    }
}
