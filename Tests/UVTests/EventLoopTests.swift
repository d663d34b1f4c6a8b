// SPDX-License-Identifier: Apache-2.0
import Testing
import UV

@concurrent private func isOnThread(of loop: EventLoop) async -> Bool { loop.isOnLoop }

@Suite("Event loop", .timeLimit(.minutes(1)))
struct EventLoopTests {
    @Test("Code isolated to an actor on the loop runs on the loop's thread, also after it was suspended")
    func isolation() async throws {
        try await withLoop { loop in
            #expect(loop.eventLoop.isOnLoop)
            try await onThread {}
            #expect(loop.eventLoop.isOnLoop)
            await Task.yield()
            #expect(loop.eventLoop.isOnLoop)
        }
    }

    @Test("A task that prefers the loop runs its nonisolated parts there")
    func executorPreference() async throws {
        try await withLoop { actor in
            let loop = actor.eventLoop
            let task = Task(executorPreference: loop) { await isOnThread(of: loop) }
            #expect(await task.value)
        }
    }

    @Test("An immediate task runs to its first suspension before it returns, isolated like its maker")
    func immediate() async throws {
        try await withLoop { loop in
            var order: [String] = []
            let task = Task.immediate {
                order.append("begun")
                await Task.yield()
                loop.preconditionIsolated()
                order.append("resumed")
            }
            order.append("returned")
            await task.value
            #expect(order == ["begun", "returned", "resumed"])
        }
    }

    @Test("A handle's callback counts as isolated to the loop's actors, and may begin immediate tasks")
    func callbackIsolation() async throws {
        try await withLoop { loop in
            let events = Events<String>()
            let timer = try LoopTimer(loop: loop.eventLoop) {
                events.put(loop.assumeIsolated { _ in "isolated" })
                Task.immediate {
                    loop.preconditionIsolated()
                    events.put("task")
                }
                events.put("returned")
            }
            timer.start(after: .zero)
            #expect(await events.take() == "isolated")
            #expect(await events.take() == "task")
            #expect(await events.take() == "returned")
            await timer.closed()
        }
    }

    @Test("Every job from many threads runs, once")
    func manyThreads() async throws {
        actor Counter {
            let loop: EventLoop
            nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
            var count = 0
            init(_ loop: EventLoop) { self.loop = loop }
            func increment() { count += 1 }
        }
        let loop = try EventLoop(name: "test")
        let counter = Counter(loop)
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<2000 { await counter.increment() } }
            }
        }
        #expect(await counter.count == 16_000)
        #expect(await loop.close().isClean)
    }

    @Test("Work that always resumes itself does not keep the loop from its handles")
    func noStarvation() async throws {
        try await withLoop { loop in
            var hasFired = false
            let timer = try LoopTimer(loop: loop.eventLoop) { hasFired = true }
            timer.start(after: .milliseconds(1))
            while !hasFired { await Task.yield() }
            await timer.closed()
        }
    }

    @Test("A forgotten handle is closed and named when the loop ends")
    func forgotten() async throws {
        let loop = try EventLoop(name: "test")
        try await LoopActor(loop).run { actor in
            try LoopTimer(loop: actor.eventLoop) {}.start(after: .seconds(3600))
            _ = try LoopTimer(loop: actor.eventLoop) {}
            #expect(actor.eventLoop.liveHandles == [.timer: 2])
        }
        let report = await loop.close()
        #expect(report.forgotten == [.timer: 2])
        #expect(report.loopCloseCode == 0)
        #expect(!report.isClean)
    }

    @Test("Whoever closes a loop gets the same report, also later and at the same time")
    func closeTwice() async throws {
        let loop = try EventLoop(name: "test")
        async let first = loop.close()
        async let second = loop.close()
        let reports = await [first, second, loop.close()]
        #expect(reports.allSatisfy { $0.isClean })
    }

    @Test("A task that outlives its loop ends, and finds that no handle can be made")
    func lateTask() async throws {
        let loop = try EventLoop(name: "test")
        let actor = LoopActor(loop)
        #expect(await loop.close().isClean)
        #expect(await actor.run { _ in 42 } == 42)
        await #expect(throws: UVError.self) {
            try await actor.run { _ = try LoopTimer(loop: $0.eventLoop) {} }
        }
    }

    @Test("Loops come and go without leaving anything")
    func manyLoops() async throws {
        for _ in 0..<50 {
            let loop = try EventLoop(name: "test")
            let actor = LoopActor(loop)
            async let sum = actor.run { _ in 1 }
            #expect(await sum == 1)
            #expect(await loop.close().isClean)
        }
    }
}
