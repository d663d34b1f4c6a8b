// SPDX-License-Identifier: Apache-2.0

import HTTP1
import HTTPServer
import HTTPTypes
import Synchronization
import Testing
import UV

/// Answers by path, so that a test can choose how the service behaves.
final class TestResponder: HTTPResponder {
    private let events: AsyncStream<String>
    private let sink: AsyncStream<String>.Continuation
    private let gate: AsyncStream<Void>
    private let gateOpener: AsyncStream<Void>.Continuation

    init() {
        (events, sink) = AsyncStream.makeStream()
        (gate, gateOpener) = AsyncStream.makeStream()
    }

    /// The next thing that the responder noted.
    func nextEvent() async -> String? {
        for await event in events { return event }
        return nil
    }

    /// Lets one request to `/gate` go on.
    func open() { gateOpener.yield() }

    func respond(to exchange: Exchange) async {
        do {
            try await route(exchange)
        } catch {
            sink.yield("\(exchange.head.target.path) \(error) cancelled=\(exchange.cancellation.isCancelled)")
        }
    }

    private func route(_ exchange: Exchange) async throws {
        switch exchange.head.target.path {
        case "/echo":
            let body = try await readAll(exchange)
            try await exchange.respond(.ok, [.contentType: "text/plain"], body: body)
        case "/small-reads":
            var body: [UInt8] = []
            while let piece = try await read(exchange, count: 7) { body += piece }
            try await exchange.respond(.ok, [:], body: body)
        case "/count":
            let count = try await readAll(exchange).count
            try await exchange.respond(.ok, [:], body: Array("\(count)".utf8))
        case "/early":
            try await exchange.respond(.contentTooLarge, [:], body: Array("too much".utf8))
        case "/gate-with-client":
            exchange.endsWithClient = true
            fallthrough
        case "/gate":
            sink.yield("waiting")
            for await _ in gate { break }
            try await exchange.respond(.ok, [:], body: Array("through".utf8))
        case "/gate-then-body":
            sink.yield("waiting")
            for await _ in gate { break }
            try await exchange.respond(.ok, [:], body: try await readAll(exchange))
        case "/read":
            sink.yield("reading")
            _ = try await readAll(exchange)
            sink.yield("read")
            try await exchange.respond(.ok, [:], body: [])
        case "/stream":
            try await stream(exchange, length: nil, pieces: ["one", "", "two"])
        case "/length":
            try await stream(exchange, length: 6, pieces: ["one", "two"])
        case "/held-length":
            try await stream(exchange, length: 6, pieces: ["one", "two"], isHeld: true)
        case "/held-stream":
            try await stream(exchange, length: nil, pieces: ["one", "", "two"], isHeld: true)
        case "/held-empty":
            try await stream(
                exchange,
                length: exchange.head.target.query == nil ? 0 : nil,
                pieces: [],
                isHeld: true
            )
        case "/held-abort":
            try await exchange.begin(.ok, [:], length: nil, isHeld: true)
            exchange.abort()
        case "/short":
            try await stream(exchange, length: 7, pieces: ["one", "two"])
        case "/long":
            try await stream(exchange, length: 5, pieces: ["one", "two"])
        case "/abort":
            try await exchange.begin(.ok, [:], length: nil)
            try await write(exchange, "half")
            exchange.abort()
        case "/large":
            try await exchange.respond(.ok, [:], body: [UInt8](repeating: 7, count: 20_000_000))
        case "/silent":
            break
        case "/begun":
            try await exchange.begin(.ok, [:], length: 5)
        case "/no-content":
            try await exchange.respond(.noContent, [:], body: Array("never sent".utf8))
        case "/close":
            try await exchange.respond(.ok, [.connection: "close"], body: [])
        case "/address":
            try await exchange.respond(.ok, [:], body: Array(exchange.remoteAddress.utf8))
        default:
            let text = "\(exchange.head.method) \(exchange.head.target.path)"
            try await exchange.respond(.ok, [.contentType: "text/plain"], body: Array(text.utf8))
        }
    }

    private func stream(
        _ exchange: Exchange,
        length: Int?,
        pieces: [String],
        isHeld: Bool = false
    ) async throws {
        try await exchange.begin(.ok, [:], length: length, isHeld: isHeld)
        for piece in pieces { try await write(exchange, piece) }
        try await exchange.end()
    }

    private func write(_ exchange: Exchange, _ text: String) async throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: text.utf8)
        let half = memory.count / 2
        try await exchange.write([
            UnsafeRawBufferPointer(rebasing: memory[..<half]),
            UnsafeRawBufferPointer(rebasing: memory[half...]),
        ])
    }

    private func readAll(_ exchange: Exchange) async throws -> [UInt8] {
        var body: [UInt8] = []
        while let piece = try await read(exchange, count: 100_000) { body += piece }
        #expect(exchange.bodyBytesReceived == body.count)
        return body
    }

    /// The next bytes, as many as asked for unless the body ends; nil at the end.
    private func read(_ exchange: Exchange, count: Int) async throws -> [UInt8]? {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { memory.deallocate() }
        let filled = try await exchange.readBody(into: memory)
        return filled == 0 ? nil : Array(memory[..<filled])
    }
}

/// Runs `body` against a server on a free port, then stops it and checks that its loops are empty.
func withServer(
    _ change: (inout HTTPServerConfiguration) -> Void = { _ in },
    endpoint: Endpoint = .tcp(host: "127.0.0.1", port: 0),
    loops: Int = 1,
    _ body: (HTTPServer, TestResponder) async throws -> Void
) async throws {
    var configuration = HTTPServerConfiguration()
    change(&configuration)
    let responder = TestResponder()
    let server = try await HTTPServer.start(
        [endpoint],
        loopCount: loops,
        configuration: configuration,
        responder: responder
    )
    do {
        try await body(server, responder)
    } catch {
        Issue.record(error)
    }
    for report in await server.stop(drain: .zero) { #expect(report.isClean, "\(report)") }
    #expect(server.counters.connections.value == 0)
    #expect(server.counters.requestsInFlight.value == 0)
}
