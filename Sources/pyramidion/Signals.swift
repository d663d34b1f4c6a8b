// SPDX-License-Identifier: Apache-2.0
import UV

/// The signals of the process as a stream, watched on a loop of their own.
struct Signals {
    private let loop: EventLoop
    private let actor: LoopActor
    private let stream: AsyncStream<ProcessSignal>
    private let watching: Task<Void, Never>

    init() throws {
        do {
            loop = try EventLoop(name: "signals")
        } catch {
            throw Failure.runtime("\(error)")
        }
        actor = LoopActor(loop)
        // Nobody sends so many before one is handled; a repeated one says nothing new.
        let (stream, continuation) = AsyncStream.makeStream(
            of: ProcessSignal.self,
            bufferingPolicy: .bufferingOldest(16)
        )
        self.stream = stream
        watching = Task { [actor] in
            await actor.run { actor in
                for signal in ProcessSignal.allCases {
                    _ = try? SignalWatcher(loop: actor.eventLoop, signal: signal) {
                        continuation.yield(signal)
                    }
                }
            }
        }
    }

    /// Returns when signals are watched; one that comes before ends the process in its usual way.
    func areWatched() async { await watching.value }

    /// Returns with the next SIGTERM or SIGINT; `reload` is called for each SIGHUP before it.
    func untilEnd(reload: () -> Void) async {
        for await signal in stream {
            guard signal == .hangUp else { return }
            reload()
        }
    }

    /// Ends the watching; signals have their usual effects then.
    func close() async {
        // A start that fails may be here before the watchers are: a loop that ends would not know of them.
        await watching.value
        _ = await loop.close()
    }
}
