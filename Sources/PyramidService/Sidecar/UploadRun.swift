// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Origins
import Volumes
import Voxels
import Workers

/// Turns the bytes of an array into the chunks of every level of a draft volume, while they arrive.
///
/// Two layers of chunks are held: one that is read, and one that is cut, encoded and written. Behind the layers of
/// level 0 come those of the coarser levels, each as soon as the chunks it is made of are written: by the same work
/// that makes a chunk on demand, so that its bytes are the same.
struct UploadRun {
    let supply: ChunkSupply
    /// Level 0 is stored, all others are made.
    let volume: ServedVolume
    let cutting: LayerCutting
    let isBigEndian: Bool
    let progress: UploadProgress

    /// Memory of a run: two layers, and what cutting and making hold.
    static func price(_ cutting: LayerCutting, _ supply: ChunkSupply, _ volume: ServedVolume) -> Int {
        let chunk = (cutting.grid.chunk.product ?? .max).multipliedClamped(
            by: cutting.channels * cutting.width
        )
        let layers = cutting.byteCount(0).multipliedClamped(by: cutting.layerCount > 1 ? 2 : 1)
        let piece = cutting.spooledByteCount > 0 ? LayeredChannels.pieceByteCount : 0
        let cost = MakingCost(supply, volume)
        let making = volume.levels.filter(\.isMade).map { cost.stepByteCount($0.index) }.max() ?? 0
        let hands = supply.workers.lanes + 1
        return piece.addingClamped(layers)
            .addingClamped(chunk.multipliedClamped(by: 2 * hands))
            .addingClamped(making.multipliedClamped(by: hands))
    }

    /// Reads the whole array, layer by layer with all its channels; when it returns, every chunk of every level is written.
    ///
    /// - Parameter source: Of layers, whose progress is noted where the bytes come from.
    /// - Throws: ``ServiceError/body(_:)`` when the source has fewer or more bytes, whatever the source throws, and
    ///   ``ServiceError/noStorage(_:)``. Nothing is under way then.
    func run(_ source: any ByteSource) async throws {
        let total = (0..<cutting.layerCount).reduce(0) { $0 + cutting.byteCount($1) }
        var buffers: [VoxelBuffer] = []
        for layer in 0..<min(2, cutting.layerCount) {
            buffers.append(try VoxelBuffer(byteCount: cutting.byteCount(layer)))
        }
        let levels = LevelProgress(volume, axis: cutting.axis, isWhole: cutting.layerCount == 1)
        var writing: Task<Void, any Error>?
        do {
            for layer in 0..<cutting.layerCount {
                let buffer = buffers[layer % buffers.count]
                let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<cutting.byteCount(layer)])
                try await read(source, into: bytes, of: total)
                // The layer before is done with its buffer when the next one is to be read.
                try await finished(writing)
                let memory = Lent(bytes)
                writing = Task.detached { [self] in
                    try await write(layer, memory, of: buffer)
                    try await advance(levels, through: layer)
                }
            }
            try await finished(writing)
            writing = nil
            try await expectEnd(source, total)
        } catch {
            writing?.cancel()
            _ = await writing?.result
            throw error
        }
    }

    /// Returns when a layer is written; a client that leaves meanwhile ends that work too.
    private func finished(_ writing: Task<Void, any Error>?) async throws {
        try await withTaskCancellationHandler {
            try await writing?.value
        } onCancel: {
            writing?.cancel()
        }
    }

    /// Fills a layer in pieces, so that progress shows, and the client's leaving is noticed.
    private func read(
        _ source: any ByteSource,
        into bytes: UnsafeMutableRawBufferPointer,
        of total: Int
    ) async throws {
        let piece = 4 << 20
        var filled = 0
        while filled < bytes.count {
            let end = min(bytes.count, filled + piece)
            let count = try await source.read(
                into: UnsafeMutableRawBufferPointer(rebasing: bytes[filled..<end])
            )
            filled += count
            guard count > 0, filled == end else {
                throw ServiceError.shortBody(expected: total, received: progress.current.receivedBytes)
            }
        }
    }

    private func expectEnd(_ source: any ByteSource, _ total: Int) async throws {
        let extra = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
        defer { extra.deallocate() }
        guard try await source.read(into: extra) == 0 else { throw ServiceError.longBody(expected: total) }
    }

    // MARK: Level 0

    private func write(_ layer: Int, _ memory: Lent, of buffer: VoxelBuffer) async throws {
        defer { withExtendedLifetime(buffer) {} }
        if isBigEndian {
            try await supply.workers.run { [cutting] in swapBytes(of: memory.memory, width: cutting.width) }
        }
        try await sideBySide(cutting.cells(layer)) { cell in
            let place = ChunkPlace(cell: cell)
            let chunk = try await cut(cell, layer, memory)
            try await keep(chunk, 0, place)
            supply.remember(chunk, volume, 0, place)
        }
    }

    private func cut(_ cell: Extent3, _ layer: Int, _ memory: Lent) async throws -> EncodedChunk {
        guard let format = volume.levels[0].format else {
            throw ServiceError.internalFault("an upload was planned in an encoding that cannot be written")
        }
        let fingerprint = volume.fingerprint
        return try await supply.workers.run { [cutting] in
            let voxels = try cutting.chunk(cell, of: layer, in: UnsafeRawBufferPointer(memory.memory))
            let bytes = try format.encode(UnsafeRawBufferPointer(voxels.bytes), extent: voxels.box.extent)
            return EncodedChunk(bytes, .identity, fingerprint: fingerprint)
        }
    }

    private func keep(_ chunk: EncodedChunk, _ level: Int, _ place: ChunkPlace) async throws {
        guard let store = volume.store else { throw ServiceError.internalFault("an upload has no store") }
        try await store.keep(volume.levels[level].objectKey(place), chunk.bytes)
    }

    // MARK: Further levels

    private func advance(_ levels: LevelProgress, through layer: Int) async throws {
        for (level, cells) in levels.ready(through: cutting.box(layer)) {
            try await sideBySide(BoxPositions(cells)) { cell in
                _ = try await supply.stored(volume, level, ChunkPlace(cell: cell), MakingChain(spareHands: 0))
            }
        }
        let finished = levels.finishedCount
        progress.update { $0.finishedLevels = finished }
    }

    private func sideBySide(
        _ cells: BoxPositions,
        _ work: @escaping @Sendable (Extent3) async throws -> Void
    ) async throws {
        let width = supply.workers.lanes + 1
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, cell) in cells.enumerated() {
                if index >= width { try await group.next() }
                try Task.checkCancellation()
                group.addTask { try await work(cell) }
            }
            try await group.waitForAll()
        }
    }
}
