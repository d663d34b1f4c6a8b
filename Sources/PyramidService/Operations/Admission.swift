// SPDX-License-Identifier: Apache-2.0
import Configuration
import Synchronization

/// The door to the memory budget: requests pass in order of arrival, or wait a bounded time, or are refused.
package final class Admission: Sendable {
    private enum Waiter {
        case pending(CheckedContinuation<Bool, Never>, timer: Task<Void, Never>)
        /// Left before its continuation was there.
        case left
    }

    private struct State {
        var queue: AdmissionQueue
        var lastTicket: AdmissionQueue.Ticket = 0
        var waiters: [AdmissionQueue.Ticket: Waiter] = [:]
    }

    /// What ``state`` shows of itself.
    package struct Load: Sendable, Equatable {
        package let admittedBytes: Int
        package let running: Int
        package let waiting: Int

        package init(admittedBytes: Int, running: Int, waiting: Int) {
            self.admittedBytes = admittedBytes
            self.running = running
            self.waiting = waiting
        }
    }

    package let budget: Int
    /// What the budget is, in words: a limit, or a part of one.
    private let name: String
    private let wait: Duration
    private let state: Mutex<State>

    package init(
        budget: Int,
        name: String = "limits.memory",
        maxRunning: Int,
        maxWaiting: Int,
        wait: Duration
    ) {
        self.budget = budget
        self.name = name
        self.wait = wait
        let queue = AdmissionQueue(budget: budget, maxRunning: maxRunning, maxWaiting: maxWaiting)
        state = Mutex(State(queue: queue))
    }

    package var load: Load {
        state.withLock {
            Load(
                admittedBytes: $0.queue.admittedBytes,
                running: $0.queue.running,
                waiting: $0.queue.waitingCount
            )
        }
    }

    /// Returns when `price` bytes are set aside for the caller, who gives them back with ``leave(price:)``.
    ///
    /// `hint`: What an error about the price says at its end.
    /// - Throws: ``ServiceError/overLimit(limit:_:)`` when the price is over the whole budget,
    ///   ``ServiceError/overloaded(limit:_:)`` when the queue is full or the wait was in vain,
    ///   ``ServiceError/clientLeft`` when the task was cancelled meanwhile. Nothing is set aside then.
    package func enter(price: Int, for use: MemoryUse, hint: String = "") async throws(ServiceError) {
        let (arrival, ticket) = state.withLock { state in
            state.lastTicket += 1
            return (state.queue.arrived(state.lastTicket, price: price), state.lastTicket)
        }
        switch arrival {
        case .admitted: return
        case .tooDear:
            throw .overLimit(
                limit: "limits.memory",
                "This \(use.noun) needs \(price) bytes of memory, and there are \(budget) for all (\(name)); \(use.advice)."
                    + hint
            )
        case .queueFull:
            throw .overloaded(
                limit: "limits.requests_queued",
                "Too many requests wait for memory already (\(name))."
            )
        case .waits: break
        }
        if await isAdmitted(ticket) { return }
        if Task.isCancelled { throw .clientLeft }
        throw .overloaded(
            limit: "timeouts.memory_wait",
            "There was no memory for this \(use.noun) within \(TimeSpan.text(wait)); it needs \(price) bytes of \(budget) "
                + "(\(name))."
        )
    }

    /// As ``enter(price:)`` for those who cannot wait: false where nothing could be set aside at once.
    package func enterAtOnce(price: Int) -> Bool {
        state.withLock { $0.queue.enteredAtOnce(price: price) }
    }

    package func leave(price: Int) {
        let admitted = state.withLock { state in
            state.queue.finished(price: price).map { state.waiters.removeValue(forKey: $0) }
        }
        wake(admitted, answer: true)
    }

    private func isAdmitted(_ ticket: AdmissionQueue.Ticket) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let timer = Task { [self, wait] in
                    try? await Task.sleep(for: wait)
                    if !Task.isCancelled { giveUp(ticket) }
                }
                let answer: Bool? = state.withLock { state in
                    switch state.waiters[ticket] {
                    case .left:
                        state.waiters[ticket] = nil
                        return false
                    case nil where !state.queue.isWaiting(ticket):
                        return true  // admitted between the arrival and here
                    case nil, .pending:
                        state.waiters[ticket] = .pending(continuation, timer: timer)
                        return nil
                    }
                }
                if let answer {
                    timer.cancel()
                    continuation.resume(returning: answer)
                }
            }
        } onCancel: {
            giveUp(ticket)
        }
    }

    /// Ends a wait in vain; nothing happens to one who was admitted already.
    private func giveUp(_ ticket: AdmissionQueue.Ticket) {
        let (own, admitted) = state.withLock { state -> (Waiter?, [Waiter?]) in
            let (wasWaiting, admitted) = state.queue.gaveUp(ticket)
            guard wasWaiting else { return (nil, []) }
            let own = state.waiters.removeValue(forKey: ticket)
            if own == nil { state.waiters[ticket] = .left }
            return (own, admitted.map { state.waiters.removeValue(forKey: $0) })
        }
        wake([own], answer: false)
        wake(admitted, answer: true)
    }

    private func wake(_ waiters: [Waiter?], answer: Bool) {
        for case .pending(let continuation, let timer) in waiters {
            timer.cancel()
            continuation.resume(returning: answer)
        }
    }
}
