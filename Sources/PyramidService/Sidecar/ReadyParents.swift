// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Origins
import Volumes
import Voxels

/// Reads chunks of a source on the lane that reduces them, as far as the system has their files in memory.
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

    /// Calls `take` with each chunk at `places`, its box and its name, and returns those that have to be waited for.
    ///
    /// What looks broken is left to the other way, which says what is wrong with it.
    /// - Throws: `EngineError.outOfMemory`, `CancellationError`, ``ServiceError/badGateway(_:)`` for a chunk that
    ///   cannot be inflated, and what `take` throws.
    func read(
        _ places: [ChunkPlace],
        isCancelled: () -> Bool,
        _ take: (ParentContent, Box3, String) throws -> Void
    ) throws -> [ChunkPlace] {
        let grid = base.grids[0]
        var largest = grid.chunk
        for axis in 0..<3 { largest[axis] = min(largest[axis], base.bounds.extent[axis]) }
        // A chunk that its encoding made larger than its voxels goes the other way.
        let memory = try VoxelBuffer(byteCount: format.voxelByteCount(largest) ?? 0)
        var left: [ChunkPlace] = []
        var way = ReadyWay()
        for place in places {
            guard !isCancelled() else { throw CancellationError() }
            let box = grid.box(place.cell)
            let voxelBytes = format.voxelByteCount(box.extent) ?? 0
            switch volume.origin.readyObject(base.objectKey(place), into: memory.bytes, by: &way) {
            case .notReady: left.append(place)
            case .absent: try take(.absent, box, base.name(place))
            case .read(let count, let coding):
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory.bytes)[..<count])
                let isPlain = format.encoding == .raw && coding == .identity
                if isPlain, count != voxelBytes {
                    left.append(place)
                    continue
                }
                counters.read(bytes: count)
                let name = base.name(place)
                if isPlain {
                    try take(.voxels(bytes), box, name)
                } else if coding == .identity {
                    try take(.encoded(bytes), box, name)
                } else {
                    let chunk = EncodedChunk(untagged: Array(bytes), coding)
                    try ChunkReading.withPlainBytes(of: chunk, box, format, name) {
                        try take(.encoded($0), box, name)
                    }
                }
            }
        }
        return left
    }
}
