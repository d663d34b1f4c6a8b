// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import PyramidService

/// Keeps the work of a flight for later.
private final class Held: Sendable {
    private let state = Mutex<FlightWork<Int>?>(nil)

    var work: FlightWork<Int>? { state.withLock { $0 } }

    func hold(_ work: FlightWork<Int>) { state.withLock { $0 = work } }

    /// Returns when a flight has begun.
    func begun() async -> FlightWork<Int> {
        while true {
            if let work { return work }
            await Task.yield()
        }
    }
}

private struct Broken: Error {}

@Suite("Flights", .timeLimit(.minutes(1)))
struct FlightsTests {
    private let flights = Flights<String, Int>()
    private let patience = Patience(.seconds(3600))

    @Test("Work that was begun without a task lands for all who joined it")
    func landing() async throws {
        let held = Held()
        let joined = Atomic<Int>(0)
        async let first = flights.join("a", within: patience) {
            held.hold($0)
        } joined: {
            Issue.record("it was the first")
        }
        let work = await held.begun()
        async let second = flights.join("a", within: patience) { _ in
            Issue.record("it is under way")
        } joined: {
            joined.add(1, ordering: .relaxed)
        }
        async let third = flights.join("a") { 0 }
        while flights.waiting != 3 { await Task.yield() }
        work.land(.success(7))
        #expect(try await [first, second, third] == [7, 7, 7])
        #expect(joined.load(ordering: .relaxed) == 1 && flights.count == 0)
    }

    @Test("Work may land before its begin returns, and with an error")
    func atOnce() async throws {
        #expect(
            try await flights.join("a", within: patience) {
                $0.land(.success(1))
            } joined: {
            } == 1
        )
        await #expect(throws: Broken.self) {
            try await flights.join("a", within: patience) {
                $0.land(.failure(Broken()))
            } joined: {
            }
        }
        #expect(flights.count == 0)
    }

    @Test("Work may go on as a task")
    func goingOn() async throws {
        #expect(
            try await flights.join("a", within: patience) {
                $0.goOn { 5 }
            } joined: {
            } == 5
        )
    }

    @Test(
        "When the last who waits has left, the work is cancelled, and what it was told to do then is done once"
    )
    func cancellation() async throws {
        let held = Held()
        let told = Atomic<Int>(0)
        let task = Task {
            try await flights.join("a", within: patience) {
                $0.onCancel { told.add(1, ordering: .relaxed) }
                held.hold($0)
            } joined: {
            }
        }
        let work = await held.begun()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(work.isCancelled && told.load(ordering: .relaxed) == 1 && flights.count == 0)
        work.onCancel { told.add(1, ordering: .relaxed) }
        #expect(told.load(ordering: .relaxed) == 2)
        // Nobody is there, and another flight of the same key is not its own.
        async let other = flights.join("a") {
            work.land(.success(1))
            return 2
        }
        #expect(try await other == 2)
    }

    @Test("Whoever has waited for too long leaves, and the others stay")
    func patienceEnds() async throws {
        let held = Held()
        let flights = flights
        async let patient = flights.join("a", within: patience) {
            held.hold($0)
        } joined: {
        }
        let work = await held.begun()
        await #expect(throws: OutOfPatience.self) {
            try await flights.join("a", within: Patience(.milliseconds(1))) { _ in
            } joined: {
            }
        }
        #expect(!work.isCancelled)
        work.land(.success(3))
        #expect(try await patient == 3)
    }
}
