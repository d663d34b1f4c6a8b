// SPDX-License-Identifier: Apache-2.0
import HTTP1
import HTTPServer
import HTTPTypes

/// One request with its answer: every answer goes through here, so that each has its id, its CORS fields, and is
/// counted.
final class Transaction: ByteSource, ByteSink {
    let exchange: Exchange
    let requestID: String
    let started = ContinuousClock.now
    /// `nil`: there is none for the path.
    var route: Route?
    private(set) var status: HTTPResponse.Status?
    private(set) var sentBytes = 0
    /// Parts of `Server-Timing`, each with what separates it from the next.
    private var timings = ""
    private let cors: CORSPolicy

    /// What the lines of most answers take, in a block that the allocator has at hand.
    private static let lineBytes = 900

    init(_ exchange: Exchange, cors: CORSPolicy) {
        self.exchange = exchange
        self.cors = cors
        requestID = RequestID.of(exchange.head.fields)
    }

    var elapsed: Duration { started.duration(to: .now) }

    /// Adds a part of `Server-Timing`.
    func timed(_ name: String, _ duration: Duration) {
        timings += "\(name);dur=\(milliseconds(duration)), "
    }

    /// Lines with room for all of an answer's.
    func lines() -> FieldLines {
        var lines = FieldLines()
        lines.reserve(Self.lineBytes)
        return lines
    }

    /// What `Vary` has to name for an answer that follows from `fields` of the request, and perhaps from `Origin`; `nil`:
    /// nothing.
    func varied(by fields: String?) -> String? { cors.varied(by: fields) }

    /// Answers with a whole body.
    func send(_ status: HTTPResponse.Status, _ fields: HTTPFields, body: [UInt8]) async throws {
        try await send(status, lines(fields), body: body)
    }

    /// Answers with a whole body; `lines` have the `Vary` that ``varied(by:)`` gives.
    func send(_ status: HTTPResponse.Status, _ lines: consuming FieldLines, body: [UInt8]) async throws {
        self.status = status
        sentBytes = exchange.head.method == .head ? 0 : body.count
        complete(&lines)
        try await exchange.respond(status, lines, body: body)
    }

    /// Begins an answer whose body is written afterwards; `length` is `nil` when it is not known.
    func begin(_ status: HTTPResponse.Status, _ fields: HTTPFields, length: Int?) async throws {
        try await begin(status, lines(fields), length: length)
    }

    /// Begins an answer whose body is written afterwards; `lines` have the `Vary` that ``varied(by:)`` gives.
    ///
    /// `length` is `nil` when it is not known, `isHeld` whether the head waits for the body's first bytes.
    func begin(
        _ status: HTTPResponse.Status,
        _ lines: consuming FieldLines,
        length: Int?,
        isHeld: Bool = false
    ) async throws {
        self.status = status
        complete(&lines)
        try await exchange.begin(status, lines, length: length, isHeld: isHeld)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        try await exchange.readBody(into: buffer)
    }

    func endRead() { exchange.endRead() }

    func write(_ pieces: [UnsafeRawBufferPointer]) async throws {
        try await exchange.write(pieces)
        sentBytes += pieces.reduce(0) { $0 + $1.count }
    }

    func end() async throws { try await exchange.end() }

    /// Answers with a problem, or cuts off an answer that had begun.
    func fail(_ error: ServiceError) async {
        guard status == nil, error != .clientLeft else {
            if status == nil { status = error.status }
            exchange.abort()
            return
        }
        var fields = error.fields
        fields[.contentType] = Problem.mediaType
        fields[.cacheControl] = "no-store"
        do {
            try await send(error.status, fields, body: Problem.body(error, requestID: requestID))
        } catch {
            exchange.abort()
        }
    }

    private func lines(_ fields: HTTPFields) -> FieldLines {
        var fields = fields
        fields[.vary] = varied(by: fields[.vary])
        var lines = lines()
        for field in fields { lines.append(field) }
        return lines
    }

    private func complete(_ lines: inout FieldLines) {
        lines.append("X-Request-Id", requestID)
        lines.append("X-Content-Type-Options", "nosniff")
        lines.append("Server-Timing", timings + "total;dur=" + milliseconds(elapsed))
        cors.append(to: &lines, request: exchange.head.fields)
    }
}

/// Milliseconds with one decimal, `12.3`.
func milliseconds(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let tenths = Int(seconds) * 10_000 + Int(attoseconds / 100_000_000_000_000)
    return String(tenths / 10) + "." + String(tenths % 10)
}
