// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Waiting took longer than it may.
struct OutOfPatience: Error {}

/// Ends waits that have lasted too long, all with one timer: one for each would cost as much as a small chunk.
package final class Patience: Sendable {
    private struct Wait {
        let end: ContinuousClock.Instant
        let giveUp: @Sendable () -> Void
    }

    private struct State {
        var waits: [Int: Wait] = [:]
        var last = 0
        /// Whether the timer runs; it ends when nobody waits as it looks.
        var isTiming = false
    }

    private let limit: Duration
    private let state = Mutex(State())

    package init(_ limit: Duration) { self.limit = limit }

    /// Has `giveUp` called when the time is over, unless ``end(_:)`` is called before; returns the number for that.
    func begin(_ giveUp: @escaping @Sendable () -> Void) -> Int {
        let (number, mustTime) = state.withLock { state in
            state.last += 1
            state.waits[state.last] = Wait(end: .now + limit, giveUp: giveUp)
            defer { state.isTiming = true }
            return (state.last, !state.isTiming)
        }
        if mustTime { Task.detached { [self] in await time() } }
        return number
    }

    func end(_ number: Int) { state.withLock { _ = $0.waits.removeValue(forKey: number) } }

    private func time() async {
        while true {
            let (over, next) = state.withLock { state -> ([Wait], ContinuousClock.Instant?) in
                let now = ContinuousClock.now
                let over = state.waits.filter { $0.value.end <= now }
                for number in over.keys { state.waits[number] = nil }
                let next = state.waits.values.map(\.end).min()
                if next == nil { state.isTiming = false }
                return (Array(over.values), next)
            }
            for wait in over { wait.giveUp() }
            guard let next else { return }
            // Nobody cancels this task.
            try? await Task.sleep(until: next, clock: .continuous)
        }
    }
}
