// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Origins
import Volumes
import Voxels

/// Reads chunks of a source straight into a box, as far as the system has their files in memory.
///
/// For a folder on a local disk that is the usual case, and it takes a few system calls a chunk on the lane that reduces
/// it. Asking for each as an object costs two changes of thread and memory of its own. Such chunks are not put into the
/// memory cache: the system has them, and a chunk of the next level is made of each once.
struct ReadyParents: Sendable {
    private let volume: ServedVolume
    private let base: ServedLevel
    private let format: ChunkFormat
    private let counters: SidecarCounters

    /// Returns nil where nothing can be at hand: made levels, shards, sources behind a network.
    init?(_ volume: ServedVolume, _ base: ServedLevel, _ counters: SidecarCounters) {
        guard case .stored(let scale) = base.provider, scale.sharding == nil, let format = base.format,
            volume.origin.hasReadyObjects
        else { return nil }
        self.volume = volume
        self.base = base
        self.format = format
        self.counters = counters
    }

    /// Puts the voxels of the chunks at `places` into `target`, and returns those that have to be waited for.
    ///
    /// What looks broken is left to the other way, which says what is wrong with it.
    /// - Throws: `EngineError.outOfMemory`, `CancellationError`, and ``ServiceError/badGateway(_:)`` for a chunk that
    ///   cannot be decoded.
    func place(
        _ places: [ChunkPlace],
        in target: BoxVoxels,
        isCancelled: () -> Bool
    ) throws -> [ChunkPlace] {
        let grid = base.grids[0]
        // A chunk that its encoding made larger than its voxels goes the other way.
        let room = format.voxelByteCount(grid.chunk) ?? 0
        let limit = min(room, format.voxelByteCount(base.bounds.extent) ?? room)
        let memory = try VoxelBuffer(byteCount: limit)
        var left: [ChunkPlace] = []
        for place in places {
            guard !isCancelled() else { throw CancellationError() }
            let box = grid.box(place.cell)
            switch volume.origin.readyObject(base.objectKey(place), into: memory.bytes) {
            case .notReady: left.append(place)
            case .absent: target.clear(box)
            case .read(let count, let coding):
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory.bytes)[..<count])
                if coding == .gzip {
                    counters.read(bytes: count)
                    let chunk = EncodedChunk(untagged: Array(bytes), coding)
                    try ChunkReading.place(chunk, box, format, in: target, base.name(place))
                } else if format.encoding == .raw, count != format.voxelByteCount(box.extent) {
                    left.append(place)
                } else {
                    counters.read(bytes: count)
                    try ChunkReading.place(bytes, box, format, in: target, base.name(place))
                }
            }
        }
        return left
    }
}
