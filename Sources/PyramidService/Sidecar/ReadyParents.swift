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

    /// Calls `take` with the voxels and the box of each chunk at `places`, and returns those that have to be waited for.
    ///
    /// What looks broken is left to the other way, which says what is wrong with it.
    /// - Throws: `EngineError.outOfMemory`, `CancellationError`, ``ServiceError/badGateway(_:)`` for a chunk that
    ///   cannot be decoded, and what `take` throws.
    func read(
        _ places: [ChunkPlace],
        isCancelled: () -> Bool,
        _ take: (UnsafeRawBufferPointer, Box3) throws -> Void
    ) throws -> [ChunkPlace] {
        let grid = base.grids[0]
        var largest = grid.chunk
        for axis in 0..<3 { largest[axis] = min(largest[axis], base.bounds.extent[axis]) }
        // A chunk that its encoding made larger than its voxels goes the other way.
        let memory = try VoxelBuffer(byteCount: format.voxelByteCount(largest) ?? 0)
        var left: [ChunkPlace] = []
        for place in places {
            guard !isCancelled() else { throw CancellationError() }
            let box = grid.box(place.cell)
            let voxelBytes = format.voxelByteCount(box.extent) ?? 0
            switch volume.origin.readyObject(base.objectKey(place), into: memory.bytes) {
            case .notReady: left.append(place)
            case .absent:
                let zeros = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<voxelBytes])
                _ = zeros.initializeMemory(as: UInt8.self, repeating: 0)
                try take(UnsafeRawBufferPointer(zeros), box)
            case .read(let count, let coding):
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory.bytes)[..<count])
                let isPlain = format.encoding == .raw && coding == .identity
                if isPlain, count != voxelBytes {
                    left.append(place)
                    continue
                }
                counters.read(bytes: count)
                if isPlain {
                    try take(bytes, box)
                } else {
                    let chunk = EncodedChunk(untagged: Array(bytes), coding)
                    let voxels = try ChunkReading.voxels(of: chunk, box, format, base.name(place))
                    try take(UnsafeRawBufferPointer(voxels.bytes), box)
                }
            }
        }
        return left
    }
}
