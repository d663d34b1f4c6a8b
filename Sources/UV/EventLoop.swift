// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. One `uv_loop_t`, one thread. Only `enqueue` and `close` may be called from elsewhere, and of libuv they call
//    only `uv_async_send`.
// 2. Whoever finds the mailbox empty wakes the loop; everybody else just appends. A wake-up takes the whole batch.
// 3. Jobs run before the loop polls, and where a callback asks for it, at most `jobsPerIteration` of them at a time:
//    resumed work cannot starve I/O. If some are left, the active idle handle keeps the poll from waiting.
// 4. The wake handle is closed last, when nobody can be inside `uv_async_send` any more.
import CUV
import Dispatch
import Glibc
import Synchronization

/// One libuv loop on a thread of its own, which is also the executor of the tasks and actors that live on it.
///
/// `@unchecked Sendable`: all mutable state but `mailbox`, `senders`, `threadID` (which are locked or atomic) is
/// touched by the loop's thread alone, and every entry checks that; `init` is done before the thread starts.
package final class EventLoop: @unchecked Sendable {
    /// How large the buffer is that readers without memory of their own share: 256 KiB.
    package static let scratchBytes = 256 << 10
    /// How many jobs run between two polls.
    static let jobsPerIteration = 256

    let uv: UnsafeMutablePointer<uv_loop_t>
    private let wake: UnsafeMutablePointer<uv_async_t>
    private let prepare: UnsafeMutablePointer<uv_prepare_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>
    /// Filled between a read's allocation callback and its read callback, which nothing can come between.
    let scratch: UnsafeMutableRawBufferPointer

    /// Grows by one, wrapping, each time before the loop polls. Only on the loop.
    package private(set) var turn: UInt = 0
    private var ready = JobQueue()
    private var isIdling = false
    private var isRunningJobs = false
    private var counts: [HandleKind: Int] = [:]
    private(set) var isClosing = false
    private var hasEnded = false

    private let threadID = Atomic<UInt>(0)
    private let mailbox = Mutex(Mailbox())
    private let senders = Atomic<Int>(0)
    private let late = DispatchQueue(label: "pyramidion.loop.late", attributes: .initiallyInactive)

    private struct Mailbox {
        var jobs: [UnownedJob] = []
        var isSealed = false
        var closing: [CheckedContinuation<LoopCloseReport, Never>] = []
        var report: LoopCloseReport?
        var mustWake: Bool { jobs.isEmpty && closing.isEmpty }
    }

    /// Makes a loop and starts its thread.
    ///
    /// Ignores SIGPIPE in the whole process: libuv writes to sockets whose peers may be gone.
    /// - Parameter name: The thread's name; the system keeps 15 bytes of it.
    /// - Throws: ``UVError`` when the system has no descriptor, memory or thread left for it.
    package init(name: String = "event-loop") throws(UVError) {
        _ = signal(SIGPIPE, SIG_IGN)
        uv = .allocate(capacity: 1)
        wake = .allocate(capacity: 1)
        prepare = .allocate(capacity: 1)
        idle = .allocate(capacity: 1)
        scratch = .allocate(byteCount: Self.scratchBytes, alignment: 64)
        var code = uv_loop_init(uv)
        guard code == 0 else { throw UVError(code: code, call: "uv_loop_init") }
        // From here on `self` is whole, so a throw runs deinit, which frees the memory.
        uv.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        code = uv_async_init(uv, wake, loopWoken)
        guard code == 0 else {
            uv_loop_close(uv)
            throw UVError(code: code, call: "uv_async_init")
        }
        uv_prepare_init(uv, prepare)
        uv_prepare_start(prepare, loopPrepared)
        uv_idle_init(uv, idle)
        // No `LoopHandle` is behind these; libuv leaves the field as the memory was.
        wake.pointee.data = nil
        prepare.pointee.data = nil
        idle.pointee.data = nil
        code = startThread(name)
        guard code == 0 else {
            closeOwnHandles()
            throw UVError(code: code, call: "pthread_create")
        }
    }

    deinit {
        // A queue that is freed before it was ever active is a crash; a loop that could not start has one.
        late.activate()
        uv.deallocate()
        wake.deallocate()
        prepare.deallocate()
        idle.deallocate()
        scratch.deallocate()
    }

    // MARK: For code on the loop

    /// Whether the caller is on the loop's thread.
    package var isOnLoop: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Traps unless the caller is on the loop's thread.
    package func preconditionOnLoop() {
        precondition(isOnLoop, "this may be called on the loop's thread only")
    }

    /// The monotonic time at which this iteration began, in whole milliseconds since some fixed moment.
    ///
    /// Only on the loop. C function: `uv_now`.
    package var now: Duration {
        preconditionOnLoop()
        return .milliseconds(Int64(clamping: uv_now(uv)))
    }

    /// How many handles of each kind are open or closing. Only on the loop.
    package var liveHandles: [HandleKind: Int] {
        preconditionOnLoop()
        return counts
    }

    func handleOpened(_ kind: HandleKind) { counts[kind, default: 0] += 1 }

    func handleFreed(_ kind: HandleKind) {
        let left = (counts[kind] ?? 0) - 1
        precondition(left >= 0, "a handle was freed twice")
        counts[kind] = left == 0 ? nil : left
    }

    // MARK: Jobs

    func accept(_ job: UnownedJob) {
        if isOnLoop, !hasEnded {
            ready.append(job)
            return
        }
        let (isSealed, mustWake) = mailbox.withLock { box in
            guard !box.isSealed else { return (true, false) }
            let mustWake = box.mustWake
            box.jobs.append(job)
            if mustWake { senders.add(1, ordering: .relaxed) }
            return (false, mustWake)
        }
        if mustWake { sendWake() }
        if isSealed { late.async { self.runLate(job) } }
    }

    /// Lets a task that outlives its loop end instead of hanging: a serial queue stands in for the thread that is gone.
    ///
    /// All handles are closed by then, and no new one can be made.
    private func runLate(_ job: UnownedJob) {
        threadID.store(UInt(pthread_self()), ordering: .relaxed)
        run(job)
        threadID.store(0, ordering: .relaxed)
    }

    private func sendWake() {
        uv_async_send(wake)
        senders.subtract(1, ordering: .releasing)
    }

    fileprivate func woken() {
        let (batch, mustClose) = mailbox.withLock { box in
            let batch = box.jobs
            // Not kept: the batch and the mailbox would share storage and copy it at the next append.
            box.jobs = []
            return (batch, !box.closing.isEmpty)
        }
        ready.append(contentsOf: batch)
        if mustClose, !isClosing {
            isClosing = true
            uv_stop(uv)
        }
    }

    /// Runs the jobs that wait, instead of at the end of the iteration; for the callbacks of handles.
    ///
    /// So what a callback resumes goes on before the callback returns. Within a job it does nothing. Only on the loop.
    package func runReadyJobs() {
        preconditionOnLoop()
        guard !isRunningJobs else { return }
        isRunningJobs = true
        defer { isRunningJobs = false }
        var budget = Self.jobsPerIteration
        while budget > 0, let job = ready.popFirst() {
            run(job)
            budget -= 1
        }
        guard isIdling == ready.isEmpty else { return }
        isIdling.toggle()
        _ = isIdling ? uv_idle_start(idle, loopIdled) : uv_idle_stop(idle)
    }

    fileprivate func willPoll() {
        turn &+= 1
        runReadyJobs()
    }

    private func run(_ job: UnownedJob) {
        job.runSynchronously(
            isolatedTo: asUnownedSerialExecutor(),
            taskExecutor: asUnownedTaskExecutor()
        )
    }

    // MARK: The end

    /// Ends the loop: closes what was left open, runs what was left to run, and ends the thread.
    ///
    /// Call it from outside of the loop, when everything on it has been closed; what has not is closed by force and
    /// named in the report. Jobs that arrive later run on a queue of their own and find every handle closed.
    /// - Returns: What was forgotten, and whether `uv_loop_close` was content; the same report for every caller.
    package func close() async -> LoopCloseReport {
        precondition(!isOnLoop || hasEnded, "a loop cannot wait for its own end")
        return await withCheckedContinuation { continuation in
            let (report, mustWake) = mailbox.withLock { box in
                if let report = box.report { return (Optional(report), false) }
                // Once sealed the thread is ending by itself, and the wake handle may be gone.
                let mustWake = box.mustWake && !box.isSealed
                box.closing.append(continuation)
                if mustWake { senders.add(1, ordering: .relaxed) }
                return (nil, mustWake)
            }
            if mustWake { sendWake() }
            if let report { continuation.resume(returning: report) }
        }
    }

    private func startThread(_ name: String) -> Int32 {
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(self)
        let code = pthread_create(&thread, nil, loopThread, retained.toOpaque())
        guard code == 0 else {
            retained.release()
            return code
        }
        _ = pthread_setname_np(thread, String(decoding: name.utf8.prefix(15), as: UTF8.self))
        _ = pthread_detach(thread)
        return 0
    }

    fileprivate func runThread() {
        // Whoever waits for the loop waits for one answer; whoever waits for a lane waits for many voxels.
        cuv_take_short_turns()
        threadID.store(UInt(pthread_self()), ordering: .relaxed)
        while !isClosing { uv_run(uv, UV_RUN_DEFAULT) }
        let forgotten = counts
        // Again each time: a job that is still under way may make a handle, and nobody else would close it.
        repeat {
            uv_walk(uv, forgottenHandle, nil)
            if counts.isEmpty, ready.isEmpty { break }
            // Nothing would end the poll when jobs are all that is left.
            uv_run(uv, ready.isEmpty ? UV_RUN_ONCE : UV_RUN_NOWAIT)
        } while true
        sealMailbox()
        while !ready.isEmpty { uv_run(uv, UV_RUN_NOWAIT) }
        let code = closeOwnHandles()
        hasEnded = true
        threadID.store(0, ordering: .relaxed)
        let report = LoopCloseReport(forgotten: forgotten, loopCloseCode: code)
        let waiting = mailbox.withLock { box in
            box.report = report
            defer { box.closing = [] }
            return box.closing
        }
        late.activate()
        for continuation in waiting { continuation.resume(returning: report) }
    }

    private func sealMailbox() {
        let batch = mailbox.withLock { box in
            box.isSealed = true
            defer { box.jobs = [] }
            return box.jobs
        }
        ready.append(contentsOf: batch)
        // Whoever found the mailbox empty a moment ago is between its lock and the end of `uv_async_send`.
        while senders.load(ordering: .acquiring) != 0 { sched_yield() }
    }

    @discardableResult
    private func closeOwnHandles() -> Int32 {
        for handle in [
            UnsafeMutableRawPointer(wake), UnsafeMutableRawPointer(prepare), UnsafeMutableRawPointer(idle),
        ] {
            uv_close(handle.assumingMemoryBound(to: uv_handle_t.self), nil)
        }
        uv_run(uv, UV_RUN_DEFAULT)
        return uv_loop_close(uv)
    }
}

/// What was found when a loop ended.
package struct LoopCloseReport: Hashable, Sendable {
    /// Handles that nobody had closed, by kind; they are closed now.
    package let forgotten: [HandleKind: Int]
    /// What `uv_loop_close` returned: 0, or `UV_EBUSY` if a handle or request was left.
    package let loopCloseCode: Int32
    /// Whether nothing was forgotten and nothing was left.
    package var isClean: Bool { forgotten.isEmpty && loopCloseCode == 0 }
}

private func owner(_ loop: UnsafeMutablePointer<uv_loop_t>?) -> EventLoop? {
    guard let data = loop?.pointee.data else { return nil }
    return Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
}

private func loopThread(_ retained: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let retained else { return nil }
    Unmanaged<EventLoop>.fromOpaque(retained).takeRetainedValue().runThread()
    return nil
}

private func loopWoken(_ handle: UnsafeMutablePointer<uv_async_t>?) {
    owner(handle?.pointee.loop)?.woken()
}

private func loopPrepared(_ handle: UnsafeMutablePointer<uv_prepare_t>?) {
    owner(handle?.pointee.loop)?.willPoll()
}

private func loopIdled(_ handle: UnsafeMutablePointer<uv_idle_t>?) {
    // Being active is all that it is for.
}

private func forgottenHandle(_ handle: UnsafeMutablePointer<uv_handle_t>?, _: UnsafeMutableRawPointer?) {
    LoopHandle.owning(handle?.pointee.data)?.close()
}
