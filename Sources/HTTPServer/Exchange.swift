// SPDX-License-Identifier: Apache-2.0

package import HTTP1
package import HTTPTypes
package import UV

/// One request and its answer; lives on its loop, and no longer than ``HTTPResponder/respond(to:)`` runs.
package final class Exchange {
    /// The request.
    package let head: RequestHead
    /// Raised when the client is gone or the server gives up; for work that runs elsewhere.
    package var cancellation: CancellationFlag {
        if let flag { return flag }
        let flag = CancellationFlag()
        if isCancelled { flag.cancel() }
        self.flag = flag
        return flag
    }
    /// How many bytes of the body have been handed out, chunked framing taken off.
    package internal(set) var bodyBytesReceived = 0
    /// Whether a client that sends FIN, and no further request, is taken for gone a second later, unless its answer has
    /// begun. Most who send it have closed; one that has half closed alone would still read. For answers that are
    /// worth nothing to others and may be long in the making.
    package var endsWithClient = false
    /// The limit that cut the answer off; nil while none has.
    package internal(set) var overrun: AnswerOverrun?

    /// A body up to this size is copied behind its head, for one write of one buffer.
    private static let smallBody = 16 * 1024

    /// A larger body is given to the kernel in pieces of this size once it has not taken all of it.
    private static let pieceBytes = 256 * 1024

    private enum Progress { case pending, begun, ended, lost }

    /// Made when it is asked for: most small answers never do.
    private var flag: CancellationFlag?
    private var isCancelled = false
    private let connection: Connection
    private var progress = Progress.pending
    private var framing = AnswerFraming.bodiless
    private var bodyBytesSent = 0
    /// A head that goes out with the first bytes of its body.
    private var heldHead: [UInt8] = []

    init(head: consuming RequestHead, connection: Connection) {
        self.head = head
        self.connection = connection
    }

    /// The client's address without its port: `127.0.0.1`, `::1`; `unix` on a Unix socket.
    package var remoteAddress: String { connection.address }

    /// Whether the whole request has arrived and been read.
    package var isRequestComplete: Bool { !connection.machine.isBodyArriving }

    /// The body bytes still to be read, if `Content-Length` told.
    var remainingLength: Int? {
        if case .length(let length) = head.framing { length - bodyBytesReceived } else { nil }
    }

    /// Whether the answer is one whose end is the close, and has not come to it: an ordinary close would lie.
    var isCutShort: Bool { framing == .untilClose && (progress == .begun || progress == .lost) }

    /// Whether nothing of the answer has been sent.
    var isPending: Bool { progress == .pending }

    /// Whether ``finish()`` has something to do.
    var isUnfinished: Bool { progress == .pending || progress == .begun }

    /// Raises ``cancellation``.
    func cancel() {
        isCancelled = true
        flag?.cancel()
    }

    // MARK: The request's body

    /// Reads the next bytes of the body.
    ///
    /// The first call sends `100 Continue` if the client waits for it. A large part of a body is read from the
    /// socket straight into `buffer`, with `Content-Length` framing and with large chunks.
    /// - Parameter buffer: Stays valid until this returns or throws.
    /// - Returns: `buffer.count`, or fewer if the body ends before; 0 only at the end, or for an empty buffer.
    /// - Throws: ``BodyError``; then every further call throws the same.
    package func readBody(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        guard connection.exchange === self else { throw .cancelled }
        return try await connection.readBody(into: buffer)
    }

    /// Has the client send its body, if it waits for `100 Continue`: for an answer that begins before the body is read,
    /// behind which there is no 100 any more.
    package func askForBody() {
        guard connection.exchange === self, connection.machine.isBodyArriving else { return }
        connection.askForBody()
    }

    /// Lets a ``readBody(into:)`` that waits return with what it has; what comes next is left to the answer's end.
    package func endRead() {
        guard connection.exchange === self else { return }
        connection.endRead()
    }

    // MARK: The answer

    /// Sends a whole answer, head and body in one write.
    ///
    /// To HEAD the body is left out and its length sent.
    /// - Throws: ``WriteError``.
    package func respond(
        _ status: HTTPResponse.Status,
        _ lines: FieldLines,
        body: [UInt8]
    ) async throws(WriteError) {
        var output = connection.state.takeBuffer()
        try start(&output, status, lines, length: body.count)
        // The service is done with the request, read to its end or not.
        connection.limitAnswer()
        if framing.sendsBody, body.count > Self.smallBody {
            let taken = try sendNow(output, body)
            if taken < output.count + body.count { try await sendRest(of: output, body, from: taken) }
        } else {
            if framing.sendsBody { output.append(contentsOf: body) }
            let taken = try sendNow(output)
            if taken < output.count { try await sendRest(of: output, from: taken) }
        }
        connection.state.giveBack(&output)
        progress = .ended
    }

    /// Sends the head of an answer whose body follows by ``write(_:)``.
    ///
    /// - Parameters:
    ///   - status: At least 200.
    ///   - lines: Its fields but for those of the server; `Connection: close` is honoured.
    ///   - length: The body's bytes; nil if they are not known, which means chunked, or to HTTP/1.0 a body that
    ///     ends with the connection.
    ///   - isHeld: Whether the body is at hand: the head then goes out with its first bytes, in one write.
    /// - Throws: ``WriteError``.
    package func begin(
        _ status: HTTPResponse.Status,
        _ lines: FieldLines,
        length: Int?,
        isHeld: Bool = false
    ) async throws(WriteError) {
        var output = connection.state.takeBuffer()
        try start(&output, status, lines, length: length)
        if isHeld, framing.sendsBody {
            heldHead = output
            return
        }
        let taken = try sendNow(output)
        if taken < output.count { try await sendRest(of: output, from: taken) }
        connection.state.giveBack(&output)
    }

    /// Sends the next bytes of the body; returns once the kernel has taken all of them.
    ///
    /// To HEAD, and with 204 and 304, nothing is sent.
    /// - Parameter pieces: Their memory stays valid until this returns or throws.
    /// - Throws: ``WriteError``; `misuse` when there are more bytes than ``begin(_:_:length:)`` announced.
    package func write(_ pieces: [UnsafeRawBufferPointer]) async throws(WriteError) {
        try checkBegun()
        let count = pieces.reduce(0) { $0 + $1.count }
        guard count > 0 else { return }
        let (sent, overflow) = bodyBytesSent.addingReportingOverflow(count)
        switch framing {
        case .bodiless, .lengthOnly: return
        case .length(let length):
            guard !overflow, sent <= length else {
                throw misuse("more body than its Content-Length of \(length)")
            }
            bodyBytesSent = sent
            try await send(pieces, count)
        case .untilClose:
            try await send(pieces, count)
        case .chunked:
            try await sendChunk(pieces, count)
        }
    }

    /// Ends an answer that was begun.
    ///
    /// - Throws: ``WriteError``; `misuse` when fewer bytes were written than announced, and the connection closes.
    package func end() async throws(WriteError) {
        try checkBegun()
        if case .length(let length) = framing, bodyBytesSent != length {
            abort()
            throw misuse("\(bodyBytesSent) bytes of body where Content-Length says \(length)")
        }
        let last = heldHead + (framing == .chunked ? AnswerHead.lastChunk : [])
        heldHead = []
        if !last.isEmpty {
            let taken = try sendNow(last)
            if taken < last.count { try await sendRest(of: last, from: taken) }
        }
        progress = .ended
    }

    /// Closes the connection now, so that the client sees that the answer is not whole.
    package func abort() {
        guard progress == .pending || progress == .begun, connection.exchange === self else { return }
        progress = .lost
        cancel()
        connection.bodyFailure = .cancelled
        connection.perform(connection.machine.answerAborted())
    }

    /// Makes good what the responder left undone.
    func finish() async {
        switch progress {
        case .begun: abort()
        case .ended, .lost: break
        case .pending:
            guard !connection.isClosed else { break }
            let configuration = connection.state.configuration
            let failure: ProtocolError? =
                switch connection.bodyFailure {
                case .protocolError(let error): error
                case .tooSlow(let reason): .bodyTooSlow(reason)
                case .clientLeft, .cancelled, nil: nil
                }
            guard let failure else {
                try? await respond(.internalServerError, [.connection: "close"], body: [])
                break
            }
            connection.state.counters.protocolErrors.add(1)
            let (lines, body) = configuration.errorBody(failure)
            try? await respond(failure.status, lines, body: body)
        }
    }

    /// An answer to what is no request, to be followed by a close.
    static func errorAnswer(_ error: ProtocolError, state: LoopState) -> [UInt8] {
        let (lines, body) = state.configuration.errorBody(error)
        var output: [UInt8] = []
        AnswerHead.append(
            to: &output,
            status: error.status,
            lines: lines,
            framing: .length(body.count),
            keepAlive: false,
            minorVersion: 1,
            date: state.currentDate()
        )
        return output + body
    }
}

// MARK: Sending

extension Exchange {
    /// Writes the answer's head to `output` and settles whether the connection persists.
    private func start(
        _ output: inout [UInt8],
        _ status: HTTPResponse.Status,
        _ lines: FieldLines,
        length: Int?
    ) throws(WriteError) {
        guard progress == .pending else {
            throw progress == .lost ? lost() : misuse("a second answer to one request")
        }
        guard connection.exchange === self, !connection.isClosed else { throw lost() }
        guard status.code >= 200, length ?? 0 >= 0 else {
            throw misuse("status \(status.code), length \(length ?? 0)")
        }
        framing = AnswerFraming(
            to: head.method,
            minorVersion: head.minorVersion,
            status: status,
            length: length
        )
        let keepAlive = connection.machine.answerBegins(
            framing,
            wantsClose: lines.asksToClose,
            remainingBody: remainingLength ?? connection.arrivedRest
        )
        AnswerHead.append(
            to: &output,
            status: status,
            lines: lines,
            framing: framing,
            keepAlive: keepAlive,
            minorVersion: head.minorVersion,
            date: connection.state.currentDate()
        )
        progress = .begun
    }

    private func checkBegun() throws(WriteError) {
        switch progress {
        case .begun: break
        case .lost: throw lost()
        case .pending: throw misuse("a body before its head")
        case .ended: throw misuse("a body behind its end")
        }
        guard connection.exchange === self, !connection.isClosed else { throw lost() }
    }

    private func misuse(_ what: String) -> WriteError { .misuse(what) }

    private func lost() -> WriteError {
        progress = .lost
        return connection.bodyFailure == .cancelled ? .cancelled : .clientLeft
    }

    private func failed() -> WriteError {
        connection.perform(connection.machine.peerVanished())
        return lost()
    }

    /// Gives the kernel what it takes now; returns how much that was, for ``sendRest(of:from:)``.
    ///
    /// Apart from that, so that what the kernel takes at once costs no asynchronous call.
    private func sendNow(_ bytes: [UInt8]) throws(WriteError) -> Int {
        do throws(UVError) {
            let taken = try connection.stream.tryWrite(bytes: bytes)
            connection.state.counters.bytesOut.add(taken)
            return taken
        } catch {
            throw failed()
        }
    }

    private func sendRest(of bytes: [UInt8], from start: Int) async throws(WriteError) {
        do throws(UVError) {
            try await connection.stream.write(bytes, start..<bytes.count)
        } catch {
            throw failed()
        }
        connection.state.counters.bytesOut.add(bytes.count - start)
    }

    /// One `writev` of both; returns how much the kernel took, for ``sendRest(of:_:from:)``.
    private func sendNow(_ head: [UInt8], _ body: [UInt8]) throws(WriteError) -> Int {
        do throws(UVError) {
            let taken = try connection.stream.tryWrite(head, body)
            connection.state.counters.bytesOut.add(taken)
            return taken
        } catch {
            throw failed()
        }
    }

    /// What the kernel does not take at once follows in pieces, so that little is ever copied.
    private func sendRest(of head: [UInt8], _ body: [UInt8], from start: Int) async throws(WriteError) {
        do throws(UVError) {
            if start < head.count { try await connection.stream.write(head, start..<head.count) }
            var next = max(0, start - head.count)
            while next < body.count {
                let end = min(body.count, next + Self.pieceBytes)
                try await connection.stream.write(body, next..<end)
                next = end
            }
        } catch {
            throw failed()
        }
        connection.state.counters.bytesOut.add(head.count + body.count - start)
    }

    private func send(_ pieces: [UnsafeRawBufferPointer], _ count: Int) async throws(WriteError) {
        guard heldHead.isEmpty else { return try await sendBehindHead(pieces, count) }
        do throws(UVError) {
            try await connection.stream.write(pieces)
        } catch {
            throw failed()
        }
        connection.state.counters.bytesOut.add(count)
    }

    private func sendBehindHead(_ pieces: [UnsafeRawBufferPointer], _ count: Int) async throws(WriteError) {
        // Lives as long as the write.
        let head = UnsafeMutableRawBufferPointer.allocate(byteCount: heldHead.count, alignment: 1)
        defer { head.deallocate() }
        head.copyBytes(from: heldHead)
        connection.state.giveBack(&heldHead)
        heldHead = []
        try await send([UnsafeRawBufferPointer(head)] + pieces, head.count + count)
    }

    private func sendChunk(_ pieces: [UnsafeRawBufferPointer], _ count: Int) async throws(WriteError) {
        var line: [UInt8] = []
        AnswerHead.appendChunkSize(count, to: &line)
        // The size line lives as long as the write: 18 bytes at most.
        let size = UnsafeMutableRawBufferPointer.allocate(byteCount: line.count, alignment: 1)
        defer { size.deallocate() }
        size.copyBytes(from: line)
        let lineEnd: StaticString = "\r\n"
        let end = UnsafeRawBufferPointer(start: lineEnd.utf8Start, count: 2)
        try await send([UnsafeRawBufferPointer(size)] + pieces + [end], line.count + count + 2)
    }
}
