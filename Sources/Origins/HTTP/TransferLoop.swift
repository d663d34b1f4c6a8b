// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. A request that is not begun waits here and not inside of libcurl, where its time would run.
// 2. Every request is resumed exactly once: whoever takes its entry out of the table, the line or the pauses does it.
// 3. A ticket names a request. Whoever cancels raises it first and asks the actor then, so either the request finds its
//    ticket raised when it enters, or the actor finds the request.
import CCurl
import Glibc
import UV

/// The part of an ``HTTPClient`` that lives on its loop: what is under way, what waits, and libcurl.
actor TransferLoop {
    typealias Outcome = Result<HTTPAnswer, TransferFailure>

    nonisolated let eventLoop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.asUnownedSerialExecutor() }

    private let configuration: HTTPClientConfiguration
    private var multi: CurlMulti?
    private var active: [UnsafeMutableRawPointer: Active] = [:]
    private var activePerHost: [String: Int] = [:]
    private var waiting: [Waiting] = []
    private var pauses: [Pause] = []
    private var isStopped = false

    private struct Waiting {
        let ticket: CancellationFlag
        let request: HTTPRequest
        let continuation: CheckedContinuation<Outcome, Never>
    }

    private struct Active {
        let ticket: CancellationFlag
        let transfer: CurlTransfer
        let continuation: CheckedContinuation<Outcome, Never>
    }

    private struct Pause {
        let ticket: CancellationFlag
        let timer: LoopTimer
        let continuation: CheckedContinuation<OriginError?, Never>
    }

    init(_ eventLoop: EventLoop, _ configuration: HTTPClientConfiguration) {
        self.eventLoop = eventLoop
        self.configuration = configuration
    }

    /// Does one request, without following redirects; ends early when the task is cancelled.
    func perform(_ request: HTTPRequest) async -> Outcome {
        let ticket = CancellationFlag()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let entry = Waiting(ticket: ticket, request: request, continuation: continuation)
                if let refusal = refusal(of: entry) {
                    continuation.resume(returning: Self.failure(refusal))
                } else {
                    waiting.append(entry)
                    beginWaiting()
                }
            }
        } onCancel: {
            ticket.cancel()
            Task { await self.cancel(ticket) }
        }
    }

    /// Waits before another try; nil when the time has passed, else why it ended early.
    func pause(for delay: Duration) async -> OriginError? {
        let ticket = CancellationFlag()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !isStopped, !ticket.isCancelled else {
                    return continuation.resume(returning: isStopped ? .stopped : .cancelled)
                }
                guard delay > .zero else { return continuation.resume(returning: nil) }
                guard waiting.count + pauses.count < configuration.waitingRequests else {
                    return continuation.resume(
                        returning: .tooManyWaiting(limit: configuration.waitingRequests)
                    )
                }
                guard let timer = try? LoopTimer(loop: eventLoop, fired: { self.endPause(ticket, nil) })
                else {
                    return continuation.resume(returning: .stopped)
                }
                timer.start(after: delay)
                pauses.append(Pause(ticket: ticket, timer: timer, continuation: continuation))
            }
        } onCancel: {
            ticket.cancel()
            Task { await self.cancel(ticket) }
        }
    }

    /// Ends everything that is under way or waits, and closes all connections; what comes later is refused.
    func stop() async {
        isStopped = true
        endActive(.stopped)
        let waiting = self.waiting
        self.waiting = []
        for entry in waiting { entry.continuation.resume(returning: Self.failure(.stopped)) }
        let timers = pauses.map(\.timer)
        for pause in pauses { endPause(pause.ticket, .stopped) }
        await multi?.close()
        multi = nil
        for timer in timers { await timer.closed() }
    }

    /// How many requests are under way, wait for a connection, and wait for their next try.
    var counts: (active: Int, waiting: Int, pausing: Int) { (active.count, waiting.count, pauses.count) }

    // MARK: Beginning

    private func refusal(of entry: Waiting) -> OriginError? {
        if isStopped { return .stopped }
        if entry.ticket.isCancelled { return .cancelled }
        guard waiting.count + pauses.count < configuration.waitingRequests || hasRoom(for: entry.request)
        else {
            return .tooManyWaiting(limit: configuration.waitingRequests)
        }
        return nil
    }

    private func hasRoom(for request: HTTPRequest) -> Bool {
        active.count < configuration.connections
            && activePerHost[request.address.host, default: 0] < configuration.connectionsPerHost
    }

    /// Begins, in the order they came, all requests that there is room for: those to one host do not hold up others.
    private func beginWaiting() {
        var index = 0
        while index < waiting.count, active.count < configuration.connections {
            guard hasRoom(for: waiting[index].request) else {
                index += 1
                continue
            }
            begin(waiting.remove(at: index))
        }
    }

    private func begin(_ entry: Waiting) {
        let place = entry.request.place
        guard let multi = liveMulti(), let transfer = CurlTransfer(entry.request, configuration),
            multi.add(transfer.easy)
        else {
            let error = OriginError.unreachable(place: place, reason: "libcurl has no memory for the request")
            return entry.continuation.resume(returning: Self.failure(error))
        }
        active[transfer.easy] = Active(
            ticket: entry.ticket,
            transfer: transfer,
            continuation: entry.continuation
        )
        activePerHost[entry.request.address.host, default: 0] += 1
    }

    private func liveMulti() -> CurlMulti? {
        if let multi, !multi.isDead { return multi }
        multi = try? CurlMulti(
            loop: eventLoop,
            configuration: configuration,
            finished: { self.finished($0, $1) },
            failed: { self.failed($0) }
        )
        return multi
    }

    // MARK: Ending

    private func finished(_ easy: UnsafeMutableRawPointer, _ code: CURLcode) {
        guard let entry = takeActive(easy) else { return }
        entry.continuation.resume(returning: entry.transfer.outcome(code))
        beginWaiting()
    }

    private func failed(_ reason: String) {
        endActive(.unreachable(place: "the source", reason: "libcurl failed: \(reason)"))
        // It frees itself; those who wait get another.
        multi = nil
        beginWaiting()
    }

    private func endActive(_ error: OriginError) {
        for easy in active.keys {
            multi?.remove(easy)
            takeActive(easy)?.continuation.resume(returning: Self.failure(error))
        }
    }

    @discardableResult
    private func takeActive(_ easy: UnsafeMutableRawPointer) -> Active? {
        guard let entry = active.removeValue(forKey: easy) else { return nil }
        let host = entry.transfer.request.address.host
        let left = activePerHost[host, default: 1] - 1
        activePerHost[host] = left > 0 ? left : nil
        return entry
    }

    private func endPause(_ ticket: CancellationFlag, _ error: OriginError?) {
        guard let index = pauses.firstIndex(where: { $0.ticket === ticket }) else { return }
        let pause = pauses.remove(at: index)
        pause.timer.close()
        pause.continuation.resume(returning: error)
    }

    private func cancel(_ ticket: CancellationFlag) {
        if let index = waiting.firstIndex(where: { $0.ticket === ticket }) {
            waiting.remove(at: index).continuation.resume(returning: Self.failure(.cancelled))
        } else if let (easy, _) = active.first(where: { $0.value.ticket === ticket }) {
            multi?.remove(easy)
            takeActive(easy)?.continuation.resume(returning: Self.failure(.cancelled))
            beginWaiting()
        } else {
            endPause(ticket, .cancelled)
        }
    }

    private static func failure(_ error: OriginError) -> Outcome {
        .failure(TransferFailure(error: error, mayRetry: false))
    }
}
