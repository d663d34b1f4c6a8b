// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import UV

@Suite("Signals", .timeLimit(.minutes(1)), .serialized)
struct SignalWatcherTests {
    @Test(
        "A watched signal calls back instead of ending the process",
        arguments: [
            (ProcessSignal.hangUp, SIGHUP), (.terminate, SIGTERM), (.interrupt, SIGINT),
        ]
    )
    func arrives(signal: ProcessSignal, number: Int32) async throws {
        try await withLoop { loop in
            let arrivals = Events<String>()
            let watcher = try SignalWatcher(loop: loop.eventLoop, signal: signal) { arrivals.put("arrived") }
            kill(getpid(), number)
            #expect(await arrivals.take() == "arrived")
            kill(getpid(), number)
            #expect(await arrivals.take() == "arrived")
            await watcher.closed()
        }
    }
}
