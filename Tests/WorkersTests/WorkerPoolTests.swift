// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import Synchronization
import Testing
import Workers

/// Work that holds its lane until the test lets it go.
private final class Gate: Sendable {
    private let entered = DispatchSemaphore(value: 0)
    private let opened = DispatchSemaphore(value: 0)

    func hold() {
        entered.signal()
        opened.wait()
    }

    func open() { opened.signal() }

    /// Returns when somebody has entered.
    func waitUntilEntered() async {
        await withCheckedContinuation { continuation in
            // A serial queue has a thread of its own; the global ones share those of Swift's tasks.
            DispatchQueue(label: "gate").async {
                self.entered.wait()
                continuation.resume()
            }
        }
    }
}

/// A value that many threads write.
private final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value { mutex.withLock { $0 } }

    func update(_ body: (inout Value) -> Void) {
        mutex.withLock { value in
            var copy = value
            body(&copy)
            value = copy
        }
    }
}

private struct Broken: Error {}

/// Lets other tasks run until `condition` holds; the suite's time limit ends it if it never does.
private func wait(until condition: () -> Bool) async {
    while !condition() { await Task.yield() }
}

@Suite("Worker pool", .timeLimit(.minutes(1)))
struct WorkerPoolTests {
    @Test("Work's result comes back, and its error too")
    func results() async throws {
        let pool = WorkerPool(lanes: 2, queueLimit: 1)
        #expect(try await pool.run { 6 * 7 } == 42)
        await #expect(throws: Broken.self) { try await pool.run { throw Broken() } }
        await pool.stop()
    }

    @Test("The caller goes on where it was, not on a lane")
    func callersExecutor() async throws {
        @MainActor func onMain() async throws {
            let pool = WorkerPool(lanes: 1, queueLimit: 0)
            _ = try await pool.run { 1 }
            MainActor.preconditionIsolated()
        }
        try await onMain()
    }

    @Test("Never more pieces run at a time than there are lanes, and as many as that do")
    func lanes() async throws {
        let pool = WorkerPool(lanes: 3, queueLimit: 200)
        let running = Shared((now: 0, most: 0))
        try await withThrowingTaskGroup { group in
            for _ in 0..<200 {
                group.addTask {
                    try await pool.run {
                        running.update { running in
                            running.now += 1
                            running.most = max(running.most, running.now)
                        }
                        var sum = 0
                        for index in 0..<20_000 { sum &+= index &* sum }
                        running.update { $0.now -= sum == 1 ? 2 : 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(running.value.most <= 3)

        // Three that wait for each other's presence: fewer lanes than promised would hang here.
        let gates = (0..<3).map { _ in Gate() }
        try await withThrowingTaskGroup { group in
            for gate in gates { group.addTask { try await pool.run { gate.hold() } } }
            for gate in gates { await gate.waitUntilEntered() }
            #expect(pool.busy == 3)
            for gate in gates { gate.open() }
            try await group.waitForAll()
        }
        await pool.stop()
        #expect(pool.busy == 0)
    }

    @Test("More work than may wait is refused at once, with the limit")
    func queueFull() async throws {
        let pool = WorkerPool(lanes: 1, queueLimit: 1)
        let gate = Gate()
        async let first: Void = pool.run { gate.hold() }
        await gate.waitUntilEntered()
        async let second = pool.run { "second" }
        await wait { pool.queued == 1 }
        await #expect(throws: WorkerError.queueFull(limit: 1)) { try await pool.run {} }
        gate.open()
        try await first
        #expect(try await second == "second")
        #expect(try await pool.run { "room again" } == "room again")
        await pool.stop()
    }

    @Test("Work waits in line, first come first served")
    func order() async throws {
        let pool = WorkerPool(lanes: 1, queueLimit: 100)
        let gate = Gate()
        let seen = Shared<[Int]>([])
        try await withThrowingTaskGroup { group in
            group.addTask { try await pool.run { gate.hold() } }
            await gate.waitUntilEntered()
            for index in 0..<100 {
                group.addTask { try await pool.run { seen.update { $0.append(index) } } }
                await wait { pool.queued == index + 1 }
            }
            gate.open()
            try await group.waitForAll()
        }
        #expect(seen.value == Array(0..<100))
        await pool.stop()
    }

    @Test("A cancelled task leaves the line, and its work is never begun")
    func cancellation() async throws {
        let pool = WorkerPool(lanes: 1, queueLimit: 3)
        let gate = Gate()
        let wasRun = Shared(false)
        async let first: Void = pool.run { gate.hold() }
        await gate.waitUntilEntered()
        async let before = pool.run { "before" }
        await wait { pool.queued == 1 }
        let cancelled = Task { try await pool.run { wasRun.update { $0 = true } } }
        await wait { pool.queued == 2 }
        async let after = pool.run { "after" }
        await wait { pool.queued == 3 }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        #expect(pool.queued == 2)
        gate.open()
        try await first
        #expect(try await [before, after] == ["before", "after"])
        #expect(!wasRun.value)
        await pool.stop()
    }

    @Test("Work that nobody waits for is done once, or told why it is not")
    func started() async throws {
        let pool = WorkerPool(lanes: 1, queueLimit: 1)
        let gate = Gate()
        let seen = Shared<[String]>([])
        func start(_ name: String, _ ticket: WorkTicket = WorkTicket()) {
            pool.start(ticket) { refusal in
                seen.update { $0.append(refusal.map { "\(name): \($0)" } ?? name) }
                if name == "first" { gate.hold() }
            }
        }
        start("first")
        await gate.waitUntilEntered()
        let ticket = WorkTicket()
        start("second", ticket)
        start("third")
        #expect(seen.value == ["first", "third: all lanes are busy and 1 pieces of work wait already"])
        pool.withdraw(ticket)
        #expect(seen.value.last == "second: CancellationError()")
        // Withdrawn before it was there.
        start("second", ticket)
        #expect(seen.value.count == 4 && pool.queued == 0)
        start("fourth")
        gate.open()
        await pool.stop()
        #expect(seen.value.last == "fourth")
        start("fifth")
        #expect(seen.value.last == "fifth: the worker pool has been stopped")
    }

    @Test("A lane is one thread for all of its pieces, which ends with the pool")
    func threads() async throws {
        let seen = Shared<Set<UInt>>([])
        weak var gone: WorkerPool?
        do {
            let pool = WorkerPool(lanes: 1, queueLimit: 0)
            gone = pool
            for _ in 0..<20 {
                try await pool.run { seen.update { $0.insert(UInt(pthread_self())) } }
                // The lane is idle a moment after its piece is done.
                await wait { pool.busy == 0 }
            }
            await pool.stop()
        }
        await wait { gone == nil }
        #expect(seen.value.count == 1)
    }

    @Test("A task that was cancelled beforehand gets no lane")
    func cancelledBefore() async throws {
        let pool = WorkerPool(lanes: 1, queueLimit: 0)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await pool.run { 1 }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await pool.run { 2 } == 2)
        await pool.stop()
    }

    @Test("Stopping refuses new work, and waits for what runs and what waits")
    func stop() async throws {
        let pool = WorkerPool(lanes: 1, queueLimit: 1)
        let gate = Gate()
        let done = Shared<[String]>([])
        async let running: Void = pool.run {
            gate.hold()
            done.update { $0.append("running") }
        }
        await gate.waitUntilEntered()
        async let waiting: Void = pool.run { done.update { $0.append("waiting") } }
        await wait { pool.queued == 1 }
        async let stopped: [String] = {
            await pool.stop()
            return done.value
        }()
        while true {
            // Stopping has begun when the refusal says so; until then the line is full.
            do {
                try await pool.run {}
            } catch WorkerError.stopped {
                break
            } catch {
                await Task.yield()
            }
        }
        gate.open()
        #expect(await stopped == ["running", "waiting"])
        try await running
        try await waiting
        await pool.stop()
    }

    @Test("A pool's errors are sentences")
    func sentences() {
        #expect(
            WorkerError.queueFull(limit: 8).description
                == "all lanes are busy and 8 pieces of work wait already"
        )
        #expect(WorkerError.stopped.description == "the worker pool has been stopped")
    }
}
