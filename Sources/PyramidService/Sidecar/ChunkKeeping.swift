// SPDX-License-Identifier: Apache-2.0
import Logging
import Origins
import Synchronization

/// Keeps made chunks behind the answers that were waiting for them, a bounded amount of bytes at a time.
///
/// Until a chunk is durable it is found here, so that it is not made again when memory has forgotten it. Chunks that
/// come within ``gatherTime`` go together, as one batch of a store: a wait for the disk costs the same for one and for
/// sixteen, and takes both cores of a small machine from those who are being answered.
final class ChunkKeeping: Sendable {
    /// More than this on its way to disk, and whoever makes the next chunk waits until others are there.
    private static let pendingByteLimit = 64 << 20
    /// Chunks of one batch, each of which is an open file until it is synced.
    private static let batchLimit = 16
    /// Batches under way: while one waits for the disk another is written.
    private static let drainLimit = 4
    /// How long a chunk waits for others at most before it is written.
    private static let gatherTime = Duration.milliseconds(20)

    private struct Pending: Hashable {
        let volume: UInt32
        let key: String
    }

    private struct Job {
        let pending: Pending
        let chunk: EncodedChunk
        let store: any ChunkStore
        let volumeName: String
    }

    private struct State {
        var chunks: [Pending: EncodedChunk] = [:]
        var bytes = 0
        /// Not begun yet, in order.
        var line: [Job] = []
        var drains = 0
        /// What the one drain waits for that lets a batch become full; cancelled, it is over.
        var gathering: Task<Void, Never>?
        /// Whether somebody waits for all to be written.
        var isHurried: Bool { !idle.isEmpty }
        /// Makers that wait for room, in order. The chunk of each is in `bytes` already.
        var waiting: [CheckedContinuation<Void, Never>] = []
        var idle: [CheckedContinuation<Void, Never>] = []
        /// Volumes whose store was begun anew by somebody else, which is told once for each.
        var replaced: Set<UInt32> = []

        /// The next jobs of one volume.
        mutating func takeBatch() -> [Job] {
            guard let first = line.first else { return [] }
            let batch = line.prefix(batchLimit).prefix { $0.pending.volume == first.pending.volume }
            line.removeFirst(batch.count)
            return Array(batch)
        }
    }

    private let state = Mutex(State())
    private let logger: Logger
    private let counters: SidecarCounters

    init(logger: Logger, counters: SidecarCounters) {
        self.logger = logger
        self.counters = counters
    }

    /// A chunk that is on its way to disk.
    func pending(_ volume: ServedVolume, _ key: String) -> EncodedChunk? {
        state.withLock { $0.chunks[Pending(volume: volume.id, key: key)] }
    }

    /// Has `chunk` kept; returns at once unless too much is on its way already.
    ///
    /// A store that fails costs the next request the work again, and nobody the answer.
    /// - Throws: What the store throws, where ``ChunkStore/mustKeep`` says that nothing may be missing.
    func keep(_ chunk: EncodedChunk, _ volume: ServedVolume, _ key: String) async throws {
        guard let store = volume.store else { return }
        if store.mustKeep { return try await store.keep(key, chunk.bytes) }
        if put(chunk, volume, key, in: store) { await room() }
    }

    /// As ``keep(_:_:_:)`` for a lane, which has seen that there is ``hasRoom``.
    func keepAtOnce(_ chunk: EncodedChunk, _ volume: ServedVolume, _ key: String) {
        if let store = volume.store { _ = put(chunk, volume, key, in: store) }
    }

    /// Whether no more is on its way than may be.
    var hasRoom: Bool { state.withLock { $0.bytes <= Self.pendingByteLimit } }

    /// Returns whether too much is on its way now.
    private func put(
        _ chunk: EncodedChunk,
        _ volume: ServedVolume,
        _ key: String,
        in store: any ChunkStore
    ) -> Bool {
        let pending = Pending(volume: volume.id, key: key)
        let job = Job(pending: pending, chunk: chunk, store: store, volumeName: volume.name)
        return state.withLock { state in
            state.chunks[pending] = chunk
            state.bytes += chunk.bytes.count
            state.line.append(job)
            let isOver = state.bytes > Self.pendingByteLimit
            let mustHurry = isOver || state.line.count >= Self.batchLimit || state.isHurried
            if let gathering = state.gathering {
                if mustHurry { gathering.cancel() }
            } else if state.drains < Self.drainLimit {
                state.drains += 1
                // Cancelled, it sleeps no longer; the drain is another task, which is never cancelled.
                let pause = Task<Void, Never>.detached { try? await Task.sleep(for: Self.gatherTime) }
                state.gathering = pause
                if mustHurry { pause.cancel() }
                Task.detached { [self] in
                    await pause.value
                    self.state.withLock { $0.gathering = nil }
                    await drain()
                }
            }
            return isOver
        }
    }

    /// Returns when nothing is on its way to disk.
    func drained() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                guard state.bytes > 0 || state.drains > 0 else { return true }
                state.idle.append(continuation)
                state.gathering?.cancel()
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Returns when there is room, or as many chunks have been written as makers came before.
    private func room() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard state.bytes > Self.pendingByteLimit else { return true }
                state.waiting.append(continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Writes batches until there is nothing left to write, or somebody else gathers the next one.
    private func drain() async {
        while true {
            let (batch, idle) = state.withLock { state -> ([Job], [CheckedContinuation<Void, Never>]) in
                // A full batch is not left to somebody who has not begun.
                let mayTake = state.gathering == nil || state.line.count >= Self.batchLimit
                let batch = mayTake ? state.takeBatch() : []
                guard batch.isEmpty else { return (batch, []) }
                state.drains -= 1
                guard state.drains == 0 else { return ([], []) }
                defer { state.idle = [] }
                return ([], state.idle)
            }
            for continuation in idle { continuation.resume() }
            guard let store = batch.first?.store else { return }
            let failures = await store.keep(
                batch.map { KeptObject(key: $0.pending.key, bytes: $0.chunk.bytes) }
            )
            for (job, failure) in zip(batch, failures) {
                guard let failure else { continue }
                counters.notKept()
                guard isNews(failure, of: job.pending.volume) else { continue }
                logger.warning(
                    "a chunk was not kept",
                    metadata: [
                        "volume": "\(job.volumeName)", "key": "\(job.pending.key)", "reason": "\(failure)",
                    ]
                )
            }
            done(batch)
        }
    }

    /// Nothing more of a volume is kept when its store was replaced: one line says so.
    private func isNews(_ failure: any Error, of volume: UInt32) -> Bool {
        guard case OriginError.replaced = failure else { return true }
        return state.withLock { $0.replaced.insert(volume).inserted }
    }

    private func done(_ batch: [Job]) {
        let waiting = state.withLock { state in
            for job in batch {
                state.chunks[job.pending] = nil
                state.bytes -= job.chunk.bytes.count
            }
            // A chunk written makes room for one; each maker has a chunk in line, so nobody waits for ever.
            let count = state.bytes > Self.pendingByteLimit ? batch.count : state.waiting.count
            let waiting = state.waiting.prefix(count)
            state.waiting.removeFirst(waiting.count)
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
