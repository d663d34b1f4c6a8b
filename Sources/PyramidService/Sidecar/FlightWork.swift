// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A flight's work, wherever it runs: its end, and its being cancelled.
package final class FlightWork<Value: Sendable>: Sendable {
    private struct State {
        var isCancelled = false
        var onCancel: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let landing: @Sendable (Result<Value, any Error>) -> Void

    init(_ landing: @escaping @Sendable (Result<Value, any Error>) -> Void) { self.landing = landing }

    /// Whether nobody waits for it any longer.
    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Gives the outcome to all who wait, once.
    package func land(_ outcome: Result<Value, any Error>) { landing(outcome) }

    /// Has `body` called when the work is cancelled, at once if it was already; in place of an earlier one.
    package func onCancel(_ body: @escaping @Sendable () -> Void) {
        let isCancelled = state.withLock { state in
            if !state.isCancelled { state.onCancel = body }
            return state.isCancelled
        }
        if isCancelled { body() }
    }

    /// Has the rest of the work done by a task of its own, which lands it.
    package func goOn(_ rest: @escaping @Sendable () async throws -> Value) {
        let task = Task.detached { [self] in
            do { land(.success(try await rest())) } catch { land(.failure(error)) }
        }
        onCancel { task.cancel() }
    }

    func cancel() {
        let onCancel = state.withLock { state in
            state.isCancelled = true
            return state.onCancel.take()
        }
        onCancel?()
    }
}
