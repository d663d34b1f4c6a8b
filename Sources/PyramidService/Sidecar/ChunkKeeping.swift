// SPDX-License-Identifier: Apache-2.0
import Logging
import Synchronization

/// Keeps made chunks behind the answers that were waiting for them, a bounded amount of bytes at a time.
///
/// Until a chunk is durable it is found here, so that it is not made again when memory has forgotten it.
final class ChunkKeeping: Sendable {
    /// More than this on its way to disk, and whoever makes the next chunk waits for it to be there.
    private static let pendingByteLimit = 64 << 20

    private struct Pending: Hashable {
        let volume: UInt32
        let key: String
    }

    private struct State {
        var chunks: [Pending: EncodedChunk] = [:]
        var bytes = 0
        var idle: [CheckedContinuation<Void, Never>] = []
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
        let pending = Pending(volume: volume.id, key: key)
        let bytes = state.withLock { state in
            state.chunks[pending] = chunk
            state.bytes += chunk.bytes.count
            return state.bytes
        }
        let task = Task.detached { [self] in
            do {
                try await store.keep(key, chunk.bytes)
            } catch {
                counters.notKept()
                logger.warning(
                    "a chunk was not kept",
                    metadata: ["volume": "\(volume.name)", "key": "\(key)", "reason": "\(error)"]
                )
            }
            done(pending, chunk.bytes.count)
        }
        if bytes > Self.pendingByteLimit { await task.value }
    }

    /// Returns when nothing is on its way to disk.
    func drained() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                guard !state.chunks.isEmpty else { return true }
                state.idle.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    private func done(_ pending: Pending, _ bytes: Int) {
        let idle = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.chunks[pending] = nil
            state.bytes -= bytes
            guard state.chunks.isEmpty else { return [] }
            defer { state.idle = [] }
            return state.idle
        }
        for continuation in idle { continuation.resume() }
    }
}
