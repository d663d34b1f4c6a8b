// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Volumes
import Voxels
import Workers

extension ChunkSupply {
    /// Chunks that are looked up for one box at a time.
    private static let boxWidth = 8

    /// The voxels of a box of a level, gathered from its chunks, which are made if need be.
    ///
    /// The box lies within the level's bounds.
    /// - Throws: ``ServiceError``; ``ServiceError/overLimit(limit:_:)`` when not even one chunk for each lane fits into
    ///   the memory budget: a few bytes of compressed_segmentation can stand for more voxels than there is memory.
    func voxels(_ volume: ServedVolume, _ level: Int, _ box: Box3) async throws -> BoxVoxels {
        let served = volume.levels[level]
        guard let format = served.format else { throw served.unreadable }
        let chunkBytes = MakingCost(self, volume).chunkBytes(served)
        guard chunkBytes.multipliedClamped(by: workers.lanes) <= admission.budget else {
            throw ServiceError.overLimit(
                limit: "limits.memory",
                "A chunk of \(served.scale.key) has \(chunkBytes) bytes when it is unpacked, and there are "
                    + "\(admission.budget) for all that is under way."
            )
        }
        let target = try BoxVoxels(box, channels: format.channels, width: format.type.byteWidth)
        let grid = served.grids[0]
        let cells = grid.cells(covering: box)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, cell) in BoxPositions(cells).enumerated() {
                if index >= Self.boxWidth { try await group.next() }
                let place = ChunkPlace(cell: cell)
                group.addTask { [self] in
                    let chunk = try await stored(volume, level, place, nil)
                    // Chunks are disjoint, so lanes share nothing.
                    try await reading(chunk, volume, level, place) { chunk in
                        let name = served.name(place)
                        try ChunkReading.place(chunk, grid.box(place.cell), format, in: target, name)
                    }
                }
            }
            try await group.waitForAll()
        }
        return target
    }

    /// Does `work`, which decodes a chunk, on a lane; a chunk of a made level that turns out to be broken was damaged
    /// where it is kept, and is made again first.
    func reading<Value: Sendable>(
        _ chunk: EncodedChunk,
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ work: @escaping @Sendable (EncodedChunk) throws -> Value
    ) async throws -> Value {
        guard case .made(let rule) = volume.levels[level].provider else {
            return try await workers.run { try work(chunk) }
        }
        do {
            return try await workers.run { try work(chunk) }
        } catch ServiceError.badGateway(let reason) {
            let sound = try await ChunkMaking(self, volume, level, rule, place).makeAdmitted(again: reason)
            return try await workers.run { try work(sound) }
        }
    }
}

extension ServedLevel {
    /// What to say where voxels are asked for that can only be passed on.
    var unreadable: ServiceError {
        .notAcceptable(
            "Chunks of \(scale.key) are \(scale.encoding.rawValue), which is passed on and not read here; ask for "
                + "chunks under /precomputed.",
            vary: nil
        )
    }
}
