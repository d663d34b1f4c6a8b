// SPDX-License-Identifier: Apache-2.0
import Testing
import UV

@testable import Origins

/// An HTTP server that says what a test tells it to, and notes what it is asked.
actor ScriptedServer {
    enum Reply: Sendable {
        /// Bytes as they are, head and body; the connection stays.
        case bytes([UInt8])
        /// The same, and then the end of the connection.
        case lastBytes([UInt8])
        /// Nothing at all.
        case silence

        static func text(_ text: String) -> Reply { .bytes(Array(text.utf8)) }

        /// A whole answer with its length.
        static func answer(_ status: Int, _ fields: [String] = [], _ body: String = "") -> Reply {
            let lines = ["HTTP/1.1 \(status) Whatever", "Content-Length: \(body.utf8.count)"] + fields
            return .text(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        }
    }

    /// What a test may wait for.
    enum Event: Sendable, Equatable { case asked(String), connectionEnded }

    nonisolated let eventLoop: EventLoop
    nonisolated let events: AsyncStream<Event>
    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.asUnownedSerialExecutor() }

    private let sink: AsyncStream<Event>.Continuation
    private let script: @Sendable (_ number: Int, _ head: String) -> Reply
    private var listener: Listener?
    private var streams: [ByteStream] = []
    /// The heads of all requests, in the order they came.
    private(set) var heads: [String] = []
    private(set) var connections = 0

    init(_ eventLoop: EventLoop, _ script: @escaping @Sendable (_ number: Int, _ head: String) -> Reply) {
        self.eventLoop = eventLoop
        self.script = script
        (events, sink) = AsyncStream.makeStream()
    }

    /// Listens; returns `http://127.0.0.1:PORT`.
    func start() throws -> String {
        let listener = try Listener(loop: eventLoop, endpoint: .tcp(host: "127.0.0.1", port: 0)) {
            self.accepted($0)
        }
        self.listener = listener
        return "http://\(listener.endpoint)"
    }

    func stop() async {
        await listener?.closed()
        for stream in streams { await stream.closed() }
    }

    private func accepted(_ stream: ByteStream) {
        streams.append(stream)
        connections += 1
        var pending: [UInt8] = []
        try? stream.startReading { event in
            guard case .bytes(let bytes) = event else {
                self.sink.yield(.connectionEnded)
                return stream.close()
            }
            pending += bytes
            while let end = Self.headEnd(pending) {
                let head = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeFirst(end)
                self.answer(head, on: stream)
            }
        }
    }

    private func answer(_ head: String, on stream: ByteStream) {
        heads.append(head)
        sink.yield(.asked(String(head.split(separator: "\r\n").first ?? "")))
        switch script(heads.count, head) {
        case .bytes(let bytes): stream.write(bytes) { _ in }
        case .lastBytes(let bytes): stream.write(bytes) { _ in stream.close() }
        case .silence: break
        }
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for end in 4...bytes.count where bytes[(end - 4)..<end].elementsEqual("\r\n\r\n".utf8) { return end }
        return nil
    }
}

/// Runs `body` with a server that follows `script` and a client that waits for nothing between its tries; expects that
/// both leave nothing behind.
func withServer(
    limits change: (inout HTTPClientConfiguration) -> Void = { _ in },
    script: @escaping @Sendable (_ number: Int, _ head: String) -> ScriptedServer.Reply,
    _ body: (_ url: String, HTTPClient, ScriptedServer) async throws -> Void
) async throws {
    var configuration = HTTPClientConfiguration(userAgent: "pyramidion/test")
    configuration.backOff = { _ in .zero }
    configuration.longestRetryAfter = .zero
    change(&configuration)
    let client = try HTTPClient(configuration)
    let server = ScriptedServer(try EventLoop(name: "test-server"), script)
    do {
        try await body(try await server.start(), client, server)
    } catch {
        Issue.record("\(error)")
    }
    #expect(await client.close().isClean)
    await server.stop()
    #expect(await server.eventLoop.close().isClean)
}

extension [String] {
    /// The request lines of heads.
    var requestLines: [String] { map { String($0.split(separator: "\r\n").first ?? "") } }
}
