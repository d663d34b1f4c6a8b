// SPDX-License-Identifier: Apache-2.0
//
// Each lane is a thread of Dispatch that it keeps, but there is one line for all of them: a lane is woken only when it was
// idle, and when it has finished a piece it takes the next from the line itself. So no lane idles while another has a
// backlog. A block for each piece would find another thread every time, each with cold caches and memory of its own, and
// soon many more of them than lanes.
import Synchronization

/// Runs synchronous, computing work beside the event loops, at most `lanes` pieces at a time.
package final class WorkerPool: Sendable {
    /// How many pieces of work run at a time.
    package let lanes: Int
    /// How many more may wait.
    package let queueLimit: Int

    private let threads: [LaneThread]
    private let state: Mutex<State>
    // What `state` holds, for those who only want to know.
    private let busyLanes = Atomic<Int>(0)
    private let waitingPieces = Atomic<Int>(0)

    private struct State {
        /// The last to become idle is the first to be used: its thread may still be awake.
        var idleLanes: [Int]
        var waiting = PieceLine()
        var isStopped = false
        var stopping: [CheckedContinuation<Void, Never>] = []
    }

    private enum Entry {
        case startLane(Int)
        case wait
        case refuse(any Error)
    }

    /// Makes a pool; it uses no thread until it has work.
    package init(lanes: Int, queueLimit: Int) {
        precondition(lanes > 0 && queueLimit >= 0, "a pool needs a lane, and its queue cannot be negative")
        self.lanes = lanes
        self.queueLimit = queueLimit
        threads = (0..<lanes).map { LaneThread(name: "lane-\($0)") }
        state = Mutex(State(idleLanes: Array(0..<lanes)))
    }

    /// How many lanes are at work; for metrics.
    package var busy: Int { busyLanes.load(ordering: .relaxed) }

    /// How many pieces of work wait for a lane; for metrics.
    package var queued: Int { waitingPieces.load(ordering: .relaxed) }

    /// Runs `work` on a lane and returns what it returns, on the caller's own executor.
    ///
    /// Cancelling the task takes the work out of the line. Once begun it is not interrupted: long work asks a flag of
    /// its own.
    /// - Throws: ``WorkerError/queueFull(limit:)``, ``WorkerError/stopped``, `CancellationError` if cancelled before
    ///   a lane was free, and whatever `work` throws.
    package func run<Value: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let ticket = WorkTicket()
        return try await withTaskCancellationHandler {
            // Named, the actor is where this is run; else it would be on a thread of Swift's, there and back.
            _ = isolation
            return try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Value, any Error>) in
                let piece = Piece(ticket: ticket) { refusal in
                    if let refusal {
                        continuation.resume(throwing: refusal)
                    } else {
                        continuation.resume(with: Result(catching: work))
                    }
                }
                enter(piece)
            }
        } onCancel: {
            withdraw(ticket)
        }
    }

    /// Has `work` done on a lane; the caller does not wait.
    ///
    /// `ticket` takes it out of the line with ``withdraw(_:)``. Then, and where there is no room, `work` is called all the
    /// same, at once, with the reason: an error as ``run(_:)`` throws it.
    package func start(_ ticket: WorkTicket, _ work: @escaping @Sendable (_ refusal: (any Error)?) -> Void) {
        enter(Piece(ticket: ticket, finish: work))
    }

    /// Takes a piece that has not begun out of the line; nothing happens to one that has.
    package func withdraw(_ ticket: WorkTicket) {
        ticket.withdraw()
        let piece = state.withLock { state in
            let piece = state.waiting.remove(ticket)
            waitingPieces.store(state.waiting.count, ordering: .relaxed)
            return piece
        }
        piece?.finish(CancellationError())
    }

    /// Takes no more work, lets what runs and what waits be done, and returns then.
    package func stop() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isStopped = true
                guard state.idleLanes.count < lanes else { return true }
                state.stopping.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    private func enter(_ piece: Piece) {
        let entry: Entry = state.withLock { state in
            if state.isStopped { return .refuse(WorkerError.stopped) }
            // The cancellation handler may have run before the piece existed. It raises the flag first and then asks
            // for the lock, so either it finds the piece in line or this finds the flag.
            if piece.ticket.isWithdrawn { return .refuse(CancellationError()) }
            if let lane = state.idleLanes.popLast() {
                busyLanes.store(lanes - state.idleLanes.count, ordering: .relaxed)
                return .startLane(lane)
            }
            guard state.waiting.count < queueLimit else {
                return .refuse(WorkerError.queueFull(limit: queueLimit))
            }
            state.waiting.append(piece)
            waitingPieces.store(state.waiting.count, ordering: .relaxed)
            return .wait
        }
        switch entry {
        case .startLane(let lane): threads[lane].run { self.run(lane, startingWith: piece) }
        case .wait: break
        case .refuse(let reason): piece.finish(reason)
        }
    }

    private func run(_ lane: Int, startingWith first: Piece) {
        var next: Piece? = first
        while let piece = next {
            piece.finish(nil)
            next = takeNext(orLeave: lane)
        }
    }

    private func takeNext(orLeave lane: Int) -> Piece? {
        let (piece, stopping) = state.withLock { state in
            if let piece = state.waiting.popFirst() {
                waitingPieces.store(state.waiting.count, ordering: .relaxed)
                return (Optional(piece), [CheckedContinuation<Void, Never>]())
            }
            state.idleLanes.append(lane)
            busyLanes.store(lanes - state.idleLanes.count, ordering: .relaxed)
            guard state.idleLanes.count == lanes else { return (nil, []) }
            defer { state.stopping = [] }
            return (nil, state.stopping)
        }
        for continuation in stopping { continuation.resume() }
        return piece
    }
}
