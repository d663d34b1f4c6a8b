// SPDX-License-Identifier: Apache-2.0
package import ChunkCodecs
package import Downsampling
package import Workers

/// Writes an answer from the engine's level buffers, without copying voxels, as far as they are final.
package final class AnswerWriter {
    /// What is gathered before a write: few writes, and none that takes for ever.
    private static let writeByteCount = 4 << 20
    /// A piece of a level for one lane to compute the checksum of.
    private static let checksumByteCount = 4 << 20
    /// A level whose checksum is computed where it is: it takes some ten microseconds, as a lane does.
    private static let inlineByteCount = 128 << 10

    private let engine: PyramidEngine
    private let pool: WorkerPool
    private let sink: any ByteSink
    private let early: EarlyPacking?
    private var cursor: AnswerCursor
    /// The step that waits for voxels.
    private var step: AnswerStep?
    /// Bytes of the current level that are written or gathered.
    private var offset = 0
    private var gathered: [UnsafeRawBufferPointer] = []
    private var gatheredBytes = 0
    /// Keeps the memory of headers until they are written.
    private var pinned: [PinnedBytes] = []

    /// `early` may know checksums.
    package init(
        _ engine: PyramidEngine,
        _ layout: AnswerLayout,
        to sink: any ByteSink,
        pool: WorkerPool,
        early: EarlyPacking? = nil
    ) {
        self.engine = engine
        self.early = early
        self.pool = pool
        self.sink = sink
        cursor = AnswerCursor(layout)
        // The header and voxels of each level, and the end.
        gathered.reserveCapacity(2 * layout.levels.count + 1)
        pinned.reserveCapacity(layout.levels.count + 1)
    }

    /// Writes everything that is final and not yet written. Returns whether that was the last of it.
    ///
    /// `holdsEnd` keeps the last piece back, at least one byte, for another call: what is not whole cannot be taken for
    /// a whole answer. Nothing is copied for it.
    package func advance(holdsEnd: Bool = false) async throws -> Bool {
        while let next = step ?? cursor.next() {
            step = next
            switch next {
            case .bytes(let bytes):
                let bytes = PinnedBytes(bytes)
                try await gather(bytes.memory, bytes)
            case .checksum(let mip):
                guard engine.readyByteCount(mip: mip) == engine.level(mip).count else {
                    try await flush()
                    return false
                }
                cursor.provide(try await checksum(engine.level(mip)), mip: mip)
            case .level(let mip):
                guard try await writeLevel(mip) else { return false }
            }
            step = nil
        }
        if !holdsEnd { try await flush() }
        return true
    }

    private func writeLevel(_ mip: Int) async throws -> Bool {
        let level = engine.level(mip)
        let ready = engine.readyByteCount(mip: mip)
        while offset < ready {
            let end = min(ready, offset + Self.writeByteCount)
            try await gather(UnsafeRawBufferPointer(rebasing: level[offset..<end]))
            offset = end
        }
        guard ready == level.count else {
            try await flush()
            return false
        }
        offset = 0
        return true
    }

    /// `owner` keeps the piece's memory, if nobody else does, until it is written.
    private func gather(_ piece: UnsafeRawBufferPointer, _ owner: PinnedBytes? = nil) async throws {
        if piece.isEmpty { return }
        // Before and not behind a piece, so that the last one is there to be held.
        if gatheredBytes >= Self.writeByteCount { try await flush() }
        // Behind the flush, which lets go of what it has written.
        if let owner { pinned.append(owner) }
        gathered.append(piece)
        gatheredBytes += piece.count
    }

    private func flush() async throws {
        guard !gathered.isEmpty else { return }
        let pieces = gathered
        gathered = []
        gatheredBytes = 0
        try await sink.write(pieces)
        pinned = []
    }

    private func checksum(_ level: UnsafeRawBufferPointer) async throws -> UInt32 {
        if let crc = early?.checksum(level) { return crc }
        if level.count <= Self.inlineByteCount { return CRC32.update(0, level) }
        let size = Self.checksumByteCount
        var crc: UInt32 = 0
        try await inOrder((level.count + size - 1) / size, width: pool.lanes, on: pool) { index in
            let end = min(level.count, (index + 1) * size)
            let piece = Lent(reading: UnsafeRawBufferPointer(rebasing: level[(index * size)..<end]))
            return { (CRC32.update(0, UnsafeRawBufferPointer(piece.memory)), piece.memory.count) }
        } take: { _, piece in
            crc = CRC32.combine(crc, piece.0, lengthB: piece.1)
        }
        return crc
    }
}
