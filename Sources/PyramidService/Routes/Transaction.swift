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

    private static let noSniffing = HTTPField(name: .xContentTypeOptions, value: "nosniff")

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

    /// Answers with a whole body.
    func send(_ status: HTTPResponse.Status, _ fields: HTTPFields, body: [UInt8]) async throws {
        self.status = status
        sentBytes = exchange.head.method == .head ? 0 : body.count
        try await exchange.respond(status, complete(fields), body: body)
    }

    /// Begins an answer whose body is written afterwards; `length` is `nil` when it is not known, `isHeld` whether the
    /// head waits for the body's first bytes.
    func begin(
        _ status: HTTPResponse.Status,
        _ fields: HTTPFields,
        length: Int?,
        isHeld: Bool = false
    ) async throws {
        self.status = status
        try await exchange.begin(status, complete(fields), length: length, isHeld: isHeld)
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

    private func complete(_ fields: HTTPFields) -> HTTPFields {
        var fields = fields
        fields.reserveCapacity(fields.count + 5)
        fields.set(.requestID, requestID)
        fields.set(Self.noSniffing)
        fields.set(.serverTiming, timings + "total;dur=\(milliseconds(elapsed))")
        cors.apply(to: &fields, request: exchange.head.fields)
        return fields
    }
}

/// Milliseconds with one decimal, `12.3`.
func milliseconds(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let tenths = Int(seconds) * 10_000 + Int(attoseconds / 100_000_000_000_000)
    return "\(tenths / 10).\(tenths % 10)"
}
