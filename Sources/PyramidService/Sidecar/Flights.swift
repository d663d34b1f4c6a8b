// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Work in progress by its key, so that nobody does what somebody is doing already.
///
/// The work runs in a task of its own, beside every loop. Whoever asks for a key under way waits for the same
/// result; when the last who waits has left, the work is cancelled and forgotten.
package final class Flights<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private typealias Outcome = Result<Value, any Error>
    private typealias Ticket = Int

    /// How far somebody is who wants a result.
    private enum Waiter {
        /// Has a ticket, and no continuation yet.
        case arriving
        case waiting(CheckedContinuation<Outcome, Never>)
        /// The result was there first.
        case served(Outcome)
        case left
    }

    private struct Flight {
        /// Tells this flight from a later one of the same key.
        let number: Int
        let task: Task<Void, Never>
        var tickets: Set<Ticket>
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var waiters: [Ticket: Waiter] = [:]
        var last = 0

        mutating func next() -> Int {
            last += 1
            return last
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// How many pieces of work are under way.
    package var count: Int { state.withLock { $0.flights.count } }

    /// Returns what `work` gives, which is begun unless it is under way for `key` already.
    ///
    /// - Throws: What `work` throws, to everybody who waits for it; `CancellationError` when the caller's task is
    ///   cancelled.
    package func join(_ key: Key, _ work: @escaping @Sendable () async throws -> Value) async throws -> Value
    {
        let ticket = enter(key, work)
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { wait(ticket, $0) }
        } onCancel: {
            leave(key, ticket)
        }.get()
    }

    private func enter(_ key: Key, _ work: @escaping @Sendable () async throws -> Value) -> Ticket {
        state.withLock { state in
            let ticket = state.next()
            state.waiters[ticket] = .arriving
            guard state.flights[key] == nil else {
                state.flights[key]?.tickets.insert(ticket)
                return ticket
            }
            let number = state.next()
            // Whatever the task does at its end waits for this lock, so it finds its flight.
            let task = Task.detached { [self] in
                do { land(key, number, .success(try await work())) } catch {
                    land(key, number, .failure(error))
                }
            }
            state.flights[key] = Flight(number: number, task: task, tickets: [ticket])
            return ticket
        }
    }

    private func wait(_ ticket: Ticket, _ continuation: CheckedContinuation<Outcome, Never>) {
        let outcome: Outcome? = state.withLock { state in
            switch state.waiters.removeValue(forKey: ticket) {
            case .served(let outcome): return outcome
            case .left, .waiting, nil: return .failure(CancellationError())
            case .arriving:
                state.waiters[ticket] = .waiting(continuation)
                return nil
            }
        }
        if let outcome { continuation.resume(returning: outcome) }
    }

    private func land(_ key: Key, _ number: Int, _ outcome: Outcome) {
        let waiting = state.withLock { state -> [CheckedContinuation<Outcome, Never>] in
            // Abandoned, and perhaps begun anew by somebody else.
            guard let flight = state.flights[key], flight.number == number else { return [] }
            state.flights[key] = nil
            return flight.tickets.compactMap { ticket in
                switch state.waiters.removeValue(forKey: ticket) {
                case .waiting(let continuation): return continuation
                case .arriving: state.waiters[ticket] = .served(outcome)
                case .served, .left, nil: break
                }
                return nil
            }
        }
        for continuation in waiting { continuation.resume(returning: outcome) }
    }

    private func leave(_ key: Key, _ ticket: Ticket) {
        let (continuation, abandoned) = state.withLock {
            state -> (CheckedContinuation<Outcome, Never>?, Task<Void, Never>?) in
            var continuation: CheckedContinuation<Outcome, Never>?
            switch state.waiters.removeValue(forKey: ticket) {
            case .waiting(let waiting): continuation = waiting
            case .arriving: state.waiters[ticket] = .left
            // Its result stays where it is: the caller is about to take it.
            case .served(let outcome): state.waiters[ticket] = .served(outcome)
            case .left, nil: break
            }
            guard state.flights[key]?.tickets.remove(ticket) != nil,
                state.flights[key]?.tickets.isEmpty == true
            else { return (continuation, nil) }
            return (continuation, state.flights.removeValue(forKey: key)?.task)
        }
        abandoned?.cancel()
        continuation?.resume(returning: .failure(CancellationError()))
    }
}
