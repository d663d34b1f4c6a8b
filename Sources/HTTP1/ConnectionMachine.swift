// SPDX-License-Identifier: Apache-2.0

/// What a server's side of an HTTP/1.1 connection does next, without doing it: events in, actions out.
///
/// Rules (RFC 9112 §9, RFC 9110 §10.1.1):
///  1. One request at a time; the next one is read when the answer has ended, so answers come in order.
///  2. A connection persists only if the client allows it, its framing was never in doubt, and the whole body
///     was read or is known to be short enough to read over; a chunked rest is known when its end has arrived.
///  3. `100 Continue` is sent once, when the service wants the body, if no byte of it has come and the answer
///     has not begun. A final answer in its place closes, since nobody knows whether the body will follow.
///  4. A close after an answer is in stages: shut down writing, read over for a bounded time and amount.
///  5. FIN behind a complete request: answer it, and those that came before the FIN. FIN inside a request: the
///     client is gone.
package struct ConnectionMachine: Sendable {
    /// Bounds of one connection.
    package struct Limits: Sendable, Equatable {
        /// Requests a connection may make; the last one's answer says `close`.
        package var requests = 10_000
        /// Unread body bytes that are read over after an answer to save the connection; more closes it.
        package var discardBytes = 256 * 1024

        package init() {}
    }

    /// What to do now.
    package enum Action: Sendable, Equatable {
        case nothing
        /// Parse on, from what is buffered first.
        case readNextRequest
        /// Read over the rest of the body; tell ``bodyDiscarded(_:)`` and ``requestEnded()``.
        case discardBody
        /// Answer with this error and close in stages.
        case answer(ProtocolError)
        /// The body cannot be read to its end; the service learns so from its next read.
        case failBody(ProtocolError)
        /// Tell the service that the client is gone, and close at once.
        case cancelAndClose
        /// Shut down writing, read and drop for a bounded time and amount, then close.
        case closeInStages
        /// Close at once; nothing is owed.
        case close
    }

    private enum Body: Sendable { case arriving, complete, broken }
    private enum Answer: Sendable { case pending, begun(keepAlive: Bool) }

    private enum Phase: Sendable {
        case awaitingRequest
        case serving(Body, Answer)
        case discardingBody(bytes: Int)
        case lingering
        case closed
    }

    private let limits: Limits
    private var phase = Phase.awaitingRequest
    private var requests = 0
    private var clientAllowsNext = false
    private var owesContinue = false
    private var peerHasEnded = false
    private var isStopping = false

    /// A connection on which nothing has happened.
    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Whether nothing is being served or closed: only here may an idle limit end the connection.
    package var isAwaitingRequest: Bool {
        if case .awaitingRequest = phase { true } else { false }
    }

    /// Whether a request is with the service and not answered to its end.
    package var isServing: Bool {
        if case .serving = phase { true } else { false }
    }

    /// Whether body bytes of the request in service are still to come.
    package var isBodyArriving: Bool {
        if case .serving(.arriving, _) = phase { true } else { false }
    }

    /// Whether what arrives still matters; if not, it is read and dropped.
    package var wantsInput: Bool {
        switch phase {
        case .awaitingRequest, .serving, .discardingBody: true
        case .lingering, .closed: false
        }
    }

    /// Whether the rest of an answered request's body is being read over.
    package var isDiscarding: Bool {
        if case .discardingBody = phase { true } else { false }
    }

    /// A head was parsed: the service gets the request.
    package mutating func headReceived(_ head: RequestHead) {
        precondition(isAwaitingRequest, "a request before the answer to the one before it")
        requests += 1
        clientAllowsNext = head.keepAlive && requests < limits.requests
        owesContinue = head.expectsContinue
        phase = .serving(.arriving, .pending)
    }

    /// The service asks for the body: whether to send `100 Continue` first.
    package mutating func bodyWanted() -> Bool {
        guard owesContinue, case .serving(.arriving, .pending) = phase else { return false }
        owesContinue = false
        return true
    }

    /// Body bytes arrived without waiting for `100 Continue`, which is then not owed.
    package mutating func bodyArrived() {
        owesContinue = false
    }

    /// The parser came to the end of the request.
    package mutating func requestEnded() -> Action {
        switch phase {
        case .serving(.arriving, let answer):
            phase = .serving(.complete, answer)
            return .nothing
        case .discardingBody:
            return awaitNext()
        case .awaitingRequest, .serving, .lingering, .closed:
            return .nothing
        }
    }

    /// Bytes of an unwanted body were read over.
    package mutating func bodyDiscarded(_ count: Int) -> Action {
        guard case .discardingBody(let bytes) = phase else { return .nothing }
        guard bytes + count <= limits.discardBytes else { return linger() }
        phase = .discardingBody(bytes: bytes + count)
        return .nothing
    }

    /// The service's answer is about to be written.
    ///
    /// - Parameters:
    ///   - framing: Of the answer.
    ///   - wantsClose: Whether the service asks to close.
    ///   - remainingBody: Bytes of the body still unread; nil where that is not known.
    /// - Returns: Whether the answer's head may let the connection persist.
    package mutating func answerBegins(
        _ framing: AnswerFraming,
        wantsClose: Bool,
        remainingBody: Int?
    ) -> Bool {
        guard case .serving(let body, _) = phase else { return false }
        var keepAlive = clientAllowsNext && !wantsClose && !isStopping && framing != .untilClose
        switch body {
        case .complete: break
        case .arriving: keepAlive = keepAlive && !owesContinue && canDiscard(remainingBody)
        case .broken: keepAlive = false
        }
        phase = .serving(body, .begun(keepAlive: keepAlive))
        return keepAlive
    }

    private func canDiscard(_ bytes: Int?) -> Bool {
        bytes.map { $0 <= limits.discardBytes } ?? false
    }

    /// The answer was written to its end.
    package mutating func answerEnded() -> Action {
        guard case .serving(let body, .begun(let keepAlive)) = phase else { return .nothing }
        guard keepAlive else { return linger() }
        switch body {
        case .complete: return awaitNext()
        case .broken: return linger()
        case .arriving:
            phase = .discardingBody(bytes: 0)
            return .discardBody
        }
    }

    /// The service gave up in mid-answer, or never answered: the close is the only sign left.
    package mutating func answerAborted() -> Action {
        guard isServing else { return .nothing }
        phase = .closed
        return .close
    }

    /// The parser, or a limit on time, refused the stream.
    package mutating func failed(_ error: ProtocolError) -> Action {
        switch phase {
        case .awaitingRequest:
            phase = .lingering
            return .answer(error)
        case .serving(.arriving, let answer):
            phase = .serving(.broken, answer)
            return .failBody(error)
        case .discardingBody:
            return linger()
        case .serving, .lingering, .closed:
            return .nothing
        }
    }

    /// The client shut down its sending side.
    ///
    /// While an answer to a complete request is due, what came behind it may still be buffered; when that is
    /// parsed and no request is complete, this is called once more.
    package mutating func peerEnded() -> Action {
        peerHasEnded = true
        switch phase {
        case .serving(.arriving, _): return vanish(.cancelAndClose)
        case .serving: return .nothing
        case .awaitingRequest, .discardingBody, .lingering: return vanish(.close)
        case .closed: return .nothing
        }
    }

    /// The connection broke, or a write on it failed or stalled.
    package mutating func peerVanished() -> Action {
        switch phase {
        case .serving: return vanish(.cancelAndClose)
        case .awaitingRequest, .discardingBody, .lingering: return vanish(.close)
        case .closed: return .nothing
        }
    }

    /// The error answer of ``Action/answer(_:)`` was written.
    package mutating func errorAnswered() -> Action {
        guard case .lingering = phase else { return .nothing }
        return .closeInStages
    }

    /// The limit on waiting for a request, or for the rest of its head, ran out.
    package mutating func headTimedOut(isInsideHead: Bool, limit: Duration) -> Action {
        guard isAwaitingRequest else { return .nothing }
        return isInsideHead ? failed(.headTooSlow(limit: limit)) : vanish(.close)
    }

    /// The server stops: an idle connection closes, a busy one after its answer.
    package mutating func stop(isInsideHead: Bool) -> Action {
        isStopping = true
        return isAwaitingRequest && !isInsideHead ? vanish(.close) : .nothing
    }

    private mutating func awaitNext() -> Action {
        guard !isStopping else { return linger() }
        phase = .awaitingRequest
        return .readNextRequest
    }

    private mutating func linger() -> Action {
        phase = .lingering
        return peerHasEnded ? vanish(.close) : .closeInStages
    }

    private mutating func vanish(_ action: Action) -> Action {
        phase = .closed
        return action
    }
}
