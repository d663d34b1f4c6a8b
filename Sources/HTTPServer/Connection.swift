// SPDX-License-Identifier: Apache-2.0
//
// Life of a connection
// 1. `open` starts reading. Every read ends in `advance`, which fills a waiting `readBody` or starts the next
//    request; the machine of HTTP1 says what may be done, `perform` does it.
// 2. One task runs the responder: it serves requests one after another for as long as complete heads are there, and
//    ends when it has to wait for one. So pipelined requests cost no further task, and answers come in order.
// 3. Reading goes on while a request is being answered, into a bounded inbox, so that a FIN or reset is noticed.
// 4. `close` happens once; what waits is resumed with an error, and the task ends by itself.
import HTTP1
import UV

/// One client's connection, on its loop.
final class Connection {
    /// What a read asks for that should bring a head: what comes of a large body with it is copied once more.
    private static let headReadBytes = 8 * 1024
    /// The most that one read asks for; a few of them are a turn of ``ByteStream``.
    private static let directReadBytes = 256 * 1024

    /// How long after its FIN a client may still want an answer that ends with it; in milliseconds.
    private static let leaveGrace = 1000

    let state: LoopState
    let stream: ByteStream
    /// The client's address, or "unix".
    let address: String
    /// Whether the address was counted and must be released.
    let isCounted: Bool

    // Unchecked, because the checks cost a tenth of a small request. Each access is over before anything else is
    // called, but for those of `inbox` by `parse`, whose closures touch the parser alone.
    @exclusivity(unchecked) var machine: ConnectionMachine
    @exclusivity(unchecked) var parser: RequestParser
    @exclusivity(unchecked) var inbox = Inbox()
    /// The request with the responder.
    var exchange: Exchange?
    var pendingRead: PendingRead?
    /// What every further read of the request's body throws.
    var bodyFailure: BodyError?
    /// The client has sent FIN; some of what came before it may be in the inbox.
    var sawEnd = false
    private(set) var isClosed = false
    /// Called once, when the connection is closed.
    var whenClosed: (() -> Void)?

    private var task: Task<Void, Never>?
    private var isServing = false
    private var receive: ((ByteStream.ReadEvent) -> Void)?
    private var isDirectRead = false
    private var lingeredBytes = 0

    /// When a head must be complete, or the next one begun; in milliseconds like all deadlines.
    private var headDeadline: Int?
    private var isHeadBegun = true
    private var lingerDeadline: Int?
    /// When a client that has sent FIN is taken for gone, if it waits for an answer that ends with it.
    private var leaveDeadline: Int?
    private var answerPace: AnswerPace?
    private var answerDeadline: Int?
    /// How long the service has waited for the body of this request, up to the wait before the current one.
    var waitedForBody = 0

    /// A `readBody` that waits for bytes.
    final class PendingRead {
        let buffer: UnsafeMutableRawBufferPointer
        var filled: Int
        let since: Int
        var lastByte: Int
        let continuation: CheckedContinuation<Result<Int, BodyError>, Never>

        init(
            buffer: UnsafeMutableRawBufferPointer,
            filled: Int,
            now: Int,
            continuation: CheckedContinuation<Result<Int, BodyError>, Never>
        ) {
            self.buffer = buffer
            self.filled = filled
            since = now
            lastByte = now
            self.continuation = continuation
        }
    }

    init(state: LoopState, stream: ByteStream, address: String, isCounted: Bool) {
        self.state = state
        self.stream = stream
        self.address = address
        self.isCounted = isCounted
        machine = ConnectionMachine(limits: state.configuration.limits.connection)
        parser = RequestParser(limits: state.configuration.limits.http1)
    }

    /// Begins to read.
    func open(on server: isolated LoopServer) {
        state.add(self)
        state.refreshNow()
        headDeadline = state.deadline(state.times.head)
        receive = { self.received($0, on: server) }
        resumeReading()
    }

    /// Answers with `error` instead of serving anything.
    func refuse(_ error: ProtocolError) {
        perform(machine.failed(error))
    }

    // MARK: Reading

    func resumeReading() {
        guard !isClosed, !sawEnd, !stream.isReading, let receive else { return }
        do throws(UVError) {
            try stream.startReading(into: { [unowned self] in self.destination() }, receive)
        } catch {
            perform(machine.peerVanished())
        }
    }

    /// Reads again if the inbox has room, so that a client that leaves is noticed.
    func readAhead() {
        if inbox.count < state.configuration.limits.readAheadBytes { resumeReading() }
    }

    /// Where the next read goes: into the service's buffer if only body can come, else into the scratch.
    private func destination() -> UnsafeMutableRawBufferPointer? {
        isDirectRead = false
        guard machine.isServing else {
            let room = machine.isAwaitingRequest ? Self.headReadBytes : LoopState.scratchBytes
            return UnsafeMutableRawBufferPointer(rebasing: state.scratch[..<room])
        }
        guard let read = pendingRead, inbox.count == 0 else {
            let room = min(
                max(1, state.configuration.limits.readAheadBytes - inbox.count),
                LoopState.scratchBytes
            )
            return UnsafeMutableRawBufferPointer(rebasing: state.scratch[..<room])
        }
        let room = read.buffer.count - read.filled
        let direct = min(room, parser.directBodyBytes)
        // The rest of a large buffer is read apart from what follows, so that this is not copied either.
        let fillsLargeBuffer = direct == room && read.buffer.count >= 1 << 14
        guard direct >= 1 << 14 || fillsLargeBuffer || (direct > 0 && direct == exchange?.remainingLength)
        else {
            let room = min(room + state.configuration.limits.readAheadBytes, LoopState.scratchBytes)
            return UnsafeMutableRawBufferPointer(rebasing: state.scratch[..<room])
        }
        isDirectRead = true
        let end = read.filled + min(direct, Self.directReadBytes)
        return UnsafeMutableRawBufferPointer(rebasing: read.buffer[read.filled..<end])
    }

    private func received(_ event: ByteStream.ReadEvent, on server: isolated LoopServer) {
        switch event {
        case .bytes(let bytes):
            state.counters.bytesIn.add(bytes.count)
            guard machine.wantsInput else { return linger(bytes.count) }
            if isDirectRead {
                receivedDirectly(bytes.count)
                // The service asks for more before the next read, which then has a place to go.
                return state.eventLoop.runReadyJobs()
            }
            inbox.lend(bytes)
            advance(on: server)
            state.eventLoop.runReadyJobs()
            inbox.keepRest()
            if machine.isServing, inbox.count >= state.configuration.limits.readAheadBytes {
                stream.stopReading()
            }
        case .end:
            sawEnd = true
            receivedEnd(on: server)
        case .failed:
            perform(machine.peerVanished())
        }
    }

    private func receivedEnd(on server: isolated LoopServer) {
        guard machine.isServing, inbox.count > 0 else {
            leaveDeadline = state.deadline(Self.leaveGrace)
            return perform(machine.peerEnded())
        }
        // What the client sent before its FIN may complete this request, and may be more requests.
        if pendingRead != nil {
            settleRead()
        } else if machine.isBodyArriving, case .needMore = inboxRest() {
            perform(machine.peerEnded())
        }
    }

    /// The bytes of the rest of the request's body, framing included, if the inbox has all of it.
    var arrivedRest: Int? {
        guard machine.isBodyArriving, case .end = inboxRest() else { return machine.isBodyArriving ? nil : 0 }
        return inbox.count
    }

    /// The first event behind what the inbox has of the request's body; looked at with a copy of the parser.
    private func inboxRest() -> RequestParser.Event {
        var probe = parser
        var copy = inbox
        return copy.parse { bytes, position in
            while true {
                let event = probe.next(in: bytes, at: &position)
                guard case .body = event else { return event }
            }
        }
    }

    // MARK: Serving

    private func advance(on server: isolated LoopServer) {
        if pendingRead != nil { return settleRead() }
        guard !isServing, takeNextRequest() else { return }
        isServing = true
        state.runningTasks += 1
        // A request that waits for its body prefers the loop: without the preference the runtime resumes a task by
        // way of another thread. With it the task goes through the loop's queue at its first hop, although it is on
        // its executor already; the caller runs that queue. A request that is answered at once does without either.
        let task =
            machine.isBodyArriving
            ? Task.immediate(executorPreference: state.eventLoop) { await self.serve(on: server) }
            : Task.immediate { await self.serve(on: server) }
        if isServing { self.task = task }
    }

    private func serve(on server: isolated LoopServer) async {
        repeat {
            guard let exchange else { break }
            await state.responder.respond(to: exchange)
            if exchange.isUnfinished { await exchange.finish() }
            state.counters.requestsInFlight.subtract(1)
            self.exchange = nil
            bodyFailure = nil
            waitedForBody = 0
            answerDeadline = nil
            let action = machine.answerEnded()
            headDeadline = state.deadline(state.times.idle)
            isHeadBegun = false
            perform(action)
        } while takeNextRequest()
        isServing = false
        task = nil
        state.runningTasks -= 1
    }

    /// Parses up to the next head, over the rest of an answered request's body. False: it must arrive first, or
    /// will not.
    private func takeNextRequest() -> Bool {
        while machine.isAwaitingRequest || machine.isDiscarding {
            // Behind an answer there is mostly nothing yet.
            if inbox.isEmpty, machine.isAwaitingRequest {
                waitForMore(isHeadBegun: isHeadBegun)
                return false
            }
            switch inbox.parse({ bytes, position in parser.next(in: bytes, at: &position) }) {
            case .head(let head):
                begin(head)
                return true
            case .body(let range): perform(machine.bodyDiscarded(range.count))
            case .end: perform(machine.requestEnded())
            case .failed(let error): perform(machine.failed(error))
            case .needMore:
                waitForMore(isHeadBegun: isHeadBegun || parser.isInsideHead)
                return false
            }
        }
        return false
    }

    private func begin(_ head: consuming RequestHead) {
        headDeadline = nil
        lingerDeadline = nil
        machine.headReceived(head)
        if head.framing == .none || head.framing == .length(0) {
            // The end of no body is there without a further byte.
            var position = 0
            _ = parser.next(in: UnsafeRawBufferPointer(start: nil, count: 0), at: &position)
            requestEnded()
        }
        exchange = Exchange(head: head, connection: self)
        readAhead()
        state.counters.requests.add(1)
        state.counters.requestsInFlight.add(1)
    }

    /// The request in service has been read to its end.
    func requestEnded() {
        _ = machine.requestEnded()
        limitAnswer()
    }

    /// From here the answer's time is counted, unless it is already.
    func limitAnswer() {
        if answerDeadline == nil { answerDeadline = state.deadline(state.times.answer) }
    }

    private func waitForMore(isHeadBegun begun: Bool) {
        if sawEnd { return perform(machine.peerEnded()) }
        if begun, !isHeadBegun {
            isHeadBegun = true
            headDeadline = state.deadline(state.times.head)
        }
        resumeReading()
    }

    // MARK: Doing what the machine says

    func perform(_ action: ConnectionMachine.Action) {
        switch action {
        case .nothing, .readNextRequest, .failBody: break
        case .discardBody: lingerDeadline = state.deadline(state.times.linger)
        case .answer(let error): answer(error)
        case .cancelAndClose:
            cancel(.clientLeft)
            close()
        case .closeInStages: closeInStages()
        case .close: close()
        }
    }

    private func answer(_ error: ProtocolError) {
        inbox.clear()
        headDeadline = nil
        state.counters.protocolErrors.add(1)
        let output = Exchange.errorAnswer(error, state: state)
        state.counters.bytesOut.add(output.count)
        stream.write(output) { [self] failure in
            perform(failure == nil ? machine.errorAnswered() : machine.peerVanished())
        }
    }

    private func closeInStages() {
        // A client that has sent FIN sends nothing that a close could answer with a reset.
        if sawEnd { return close() }
        inbox.clear()
        lingerDeadline = state.deadline(state.times.linger)
        stream.shutdown { _ in }
        resumeReading()
    }

    private func linger(_ count: Int) {
        lingeredBytes += count
        if lingeredBytes > state.configuration.limits.lingerBytes { close() }
    }

    /// Tells the responder that its answer is not wanted any more.
    private func cancel(_ reason: BodyError) {
        exchange?.cancel()
        bodyFailure = reason
        task?.cancel()
        finishRead(.failure(reason))
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        receive = nil
        inbox.clear()
        finishRead(.failure(bodyFailure ?? .cancelled))
        if exchange?.isCutShort == true { stream.closeWithReset() } else { stream.close() }
        if isCounted { state.counters.release(address) }
        state.remove(self)
        whenClosed?()
        whenClosed = nil
    }

    /// The server stops: closes if idle, else after the answer.
    func stop() {
        perform(machine.stop(isInsideHead: parser.isInsideHead))
    }

    /// The server waits no longer.
    func giveUp() {
        cancel(.cancelled)
        _ = machine.peerVanished()
        close()
    }

    // MARK: Time

    /// Called once a tick.
    func checkTimes() {
        let now = state.now
        checkPace(now)
        if let answerDeadline, now >= answerDeadline, machine.isServing { cutOff(.total) }
        if let leaveDeadline, now >= leaveDeadline, machine.isServing, let exchange, exchange.endsWithClient,
            exchange.isPending
        {
            perform(machine.peerVanished())
        }
        // A full inbox stops the reading, and with it the notice of a client that is gone.
        if machine.isServing, !stream.isReading, stream.hasHungUp { perform(machine.peerVanished()) }
        if let headDeadline, now >= headDeadline, machine.isAwaitingRequest {
            let limit = state.configuration.timeouts.head
            perform(machine.headTimedOut(isInsideHead: parser.isInsideHead, limit: limit))
        }
        if let lingerDeadline, now >= lingerDeadline {
            if machine.isDiscarding {
                perform(machine.failed(.bodyTooSlow(.rest)))
            } else if !machine.wantsInput {
                close()
            }
        }
        if let read = pendingRead, let reason = slowness(read, now) { failRead(tooSlow: reason) }
    }

    /// Drops a client that does not read, or hardly reads, what waits for it.
    private func checkPace(_ now: Int) {
        guard stream.writeQueueSize > 0 else {
            answerPace = nil
            return
        }
        let delivered = stream.deliveredBytes
        guard var pace = answerPace else {
            answerPace = AnswerPace(delivered: delivered, now: now)
            return
        }
        let rate = state.configuration.timeouts.answerBytesPerSecond
        if let overrun = pace.overrun(
            delivered: delivered,
            now: now,
            times: state.times,
            bytesPerSecond: rate
        ) {
            cutOff(overrun)
        } else {
            answerPace = pace
        }
    }

    private func cutOff(_ overrun: AnswerOverrun) {
        exchange?.overrun = overrun
        perform(machine.peerVanished())
    }

    private func slowness(_ read: PendingRead, _ now: Int) -> ProtocolError.Slowness? {
        let (timeouts, times) = (state.configuration.timeouts, state.times)
        if now - read.lastByte > times.bodyGap + times.tick { return .gap(limit: timeouts.bodyGap) }
        // Two ticks more, so that a body that stops at once is told of its gap and not of its rate.
        let counted = waitedForBody + (now - read.since) - times.bodyGap - 2 * times.tick
        let expected = max(0, counted).multipliedReportingOverflow(by: max(0, timeouts.bodyBytesPerSecond))
        let received = exchange?.bodyBytesReceived ?? 0
        let isSlow = expected.overflow || received < expected.partialValue / 1000
        return isSlow ? .rate(limit: timeouts.bodyBytesPerSecond) : nil
    }
}
