// SPDX-License-Identifier: Apache-2.0
import Testing
import UV

@Suite("Timers", .timeLimit(.minutes(1)))
struct LoopTimerTests {
    @Test("A timer calls back once, not before its time")
    func once() async throws {
        try await withLoop { loop in
            let times = Events<Duration>()
            let timer = try LoopTimer(loop: loop.eventLoop) { times.put(loop.eventLoop.now) }
            let due = loop.eventLoop.now + .milliseconds(5)
            timer.start(after: .milliseconds(5))
            #expect(timer.isRunning)
            #expect(await times.take() >= due)
            #expect(!timer.isRunning)
            await timer.closed()
        }
    }

    @Test("A fraction of a millisecond is rounded up")
    func rounding() async throws {
        try await withLoop { loop in
            let times = Events<Duration>()
            let timer = try LoopTimer(loop: loop.eventLoop) { times.put(loop.eventLoop.now) }
            let begun = loop.eventLoop.now
            timer.start(after: .nanoseconds(1))
            #expect(await times.take() > begun)
            await timer.closed()
        }
    }

    @Test("A timer that was moved calls back at its new time, be that later or earlier")
    func moved() async throws {
        try await withLoop { loop in
            let times = Events<Duration>()
            let timer = try LoopTimer(loop: loop.eventLoop) { times.put(loop.eventLoop.now) }
            timer.start(after: .milliseconds(1))
            timer.start(after: .milliseconds(20))
            let later = loop.eventLoop.now + .milliseconds(20)
            #expect(await times.take() >= later)
            // If it kept its first time, the suite's limit would end this.
            timer.start(after: .seconds(3600))
            timer.start(after: .milliseconds(5))
            let earlier = loop.eventLoop.now + .milliseconds(5)
            #expect(await times.take() >= earlier)
            #expect(times.isEmpty)
            await timer.closed()
        }
    }

    @Test("A stopped timer does not call back, and can be started again")
    func stop() async throws {
        try await withLoop { loop in
            var wasCalled = false
            let stopped = try LoopTimer(loop: loop.eventLoop) { wasCalled = true }
            let names = Events<String>()
            let other = try LoopTimer(loop: loop.eventLoop) { names.put("other") }
            stopped.start(after: .milliseconds(1))
            stopped.stop()
            #expect(!stopped.isRunning)
            other.start(after: .milliseconds(5))
            _ = await names.take()
            #expect(!wasCalled)
            stopped.start(after: .zero)
            while !wasCalled { await Task.yield() }
            await stopped.closed()
            await other.closed()
        }
    }

    @Test("A repeating timer calls back until it is closed, which its own callback may do")
    func repeating() async throws {
        try await withLoop { loop in
            let counts = Events<Int>()
            var count = 0
            var timer: LoopTimer?
            timer = try LoopTimer(loop: loop.eventLoop) {
                count += 1
                counts.put(count)
                if count == 3 { timer?.close() }
            }
            timer?.start(after: .zero, repeatingEvery: .milliseconds(1))
            for expected in 1...3 { #expect(await counts.take() == expected) }
            await timer?.closed()
            #expect(count == 3)
            timer = nil
        }
    }

    @Test("A time beyond the clock's range never comes, and is no overflow")
    func farAway() async throws {
        try await withLoop { loop in
            let timer = try LoopTimer(loop: loop.eventLoop) { Issue.record("the end of time came") }
            timer.start(after: .seconds(Int64.max), repeatingEvery: .seconds(Int64.max))
            timer.start(after: .seconds(-1))
            timer.stop()
            await timer.closed()
            timer.start(after: .zero)
            #expect(!timer.isRunning)
        }
    }
}
