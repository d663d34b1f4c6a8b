// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Work in progress by its key, so that nobody does what somebody is doing already.
///
/// The work runs in a task of its own, beside every loop, or wherever it was begun. Whoever asks for a key under way
/// waits for the same result; when the last who waits has left, the work is cancelled and forgotten.
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
        case left(any Error)
    }

    private struct Flight {
        /// Tells this flight from a later one of the same key.
        let number: Int
        let cancel: @Sendable () -> Void
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

    /// How many wait for a result.
    package var waiting: Int { state.withLock { $0.waiters.count } }

    /// Returns what `work` gives, which is begun unless it is under way for `key` already.
    ///
    /// - Throws: What `work` throws, to everybody who waits for it; `CancellationError` when the caller's task is
    ///   cancelled.
    package func join(_ key: Key, _ work: @escaping @Sendable () async throws -> Value) async throws -> Value
    {
        try await result(key, enter(key, { $0.goOn(work) }, joined: {}), nil)
    }

    /// As ``join(_:_:)`` for work that is begun without a task: `begin` returns soon, and has the work landed later.
    /// Where it is under way already, `joined` is called instead.
    ///
    /// - Throws: As ``join(_:_:)``; ``OutOfPatience`` when that comes first.
    package func join(
        _ key: Key,
        within patience: Patience,
        beginning begin: (FlightWork<Value>) -> Void,
        joined: () -> Void
    ) async throws -> Value {
        try await result(key, enter(key, begin, joined: joined), patience)
    }

    private func result(
        isolation: isolated (any Actor)? = #isolation,
        _ key: Key,
        _ ticket: Ticket,
        _ patience: Patience?
    ) async throws -> Value {
        let number = patience?.begin { self.leave(key, ticket, OutOfPatience()) }
        defer { if let number { patience?.end(number) } }
        // Without the preference the runtime goes back to a loop by way of another thread, as it does in `Connection`.
        let loop = isolation?.unownedExecutor.asSerialExecutor() as? any TaskExecutor
        return try await withTaskExecutorPreference(loop) {
            // Named, the actor is where this is run; else it would be on a thread of Swift's, there and back.
            _ = isolation
            return await withTaskCancellationHandler {
                _ = isolation
                return await withCheckedContinuation { wait(ticket, $0) }
            } onCancel: {
                leave(key, ticket, CancellationError())
            }
        }.get()
    }

    private func enter(_ key: Key, _ begin: (FlightWork<Value>) -> Void, joined: () -> Void) -> Ticket {
        let (ticket, work) = state.withLock { state -> (Ticket, FlightWork<Value>?) in
            let ticket = state.next()
            state.waiters[ticket] = .arriving
            guard state.flights[key] == nil else {
                state.flights[key]?.tickets.insert(ticket)
                return (ticket, nil)
            }
            let number = state.next()
            let work = FlightWork<Value> { [self] in land(key, number, $0) }
            state.flights[key] = Flight(number: number, cancel: { work.cancel() }, tickets: [ticket])
            return (ticket, work)
        }
        // Beyond the lock, since it may land at once.
        if let work { begin(work) } else { joined() }
        return ticket
    }

    private func wait(_ ticket: Ticket, _ continuation: CheckedContinuation<Outcome, Never>) {
        let outcome: Outcome? = state.withLock { state in
            switch state.waiters.removeValue(forKey: ticket) {
            case .served(let outcome): return outcome
            case .left(let reason): return .failure(reason)
            case .waiting, nil: return .failure(CancellationError())
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

    private func leave(_ key: Key, _ ticket: Ticket, _ reason: any Error) {
        let (continuation, cancel) = state.withLock {
            state -> (CheckedContinuation<Outcome, Never>?, (@Sendable () -> Void)?) in
            var continuation: CheckedContinuation<Outcome, Never>?
            switch state.waiters.removeValue(forKey: ticket) {
            case .waiting(let waiting): continuation = waiting
            case .arriving: state.waiters[ticket] = .left(reason)
            // Its result stays where it is: the caller is about to take it.
            case .served(let outcome): state.waiters[ticket] = .served(outcome)
            case .left, nil: break
            }
            guard state.flights[key]?.tickets.remove(ticket) != nil,
                state.flights[key]?.tickets.isEmpty == true
            else { return (continuation, nil) }
            return (continuation, state.flights.removeValue(forKey: key)?.cancel)
        }
        cancel?()
        continuation?.resume(returning: .failure(reason))
    }
}
