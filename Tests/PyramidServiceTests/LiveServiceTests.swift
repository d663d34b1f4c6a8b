// SPDX-License-Identifier: Apache-2.0
import Configuration
import Foundation
import HTTPServer
import Logging
import PyramidService
import Testing
import UV
import Workers

/// A service on a port of its own, asked with plain bytes.
private struct LiveService {
    let server: HTTPServer
    let context: ServiceContext

    init(_ change: (inout Configuration) -> Void = { _ in }) async throws {
        var configuration = Configuration()
        configuration.workers = 2
        change(&configuration)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        context = try await ServiceContext(
            configuration,
            build: BuildInformation(cpuVariant: "test"),
            logger: logger
        )
        server = try await HTTPServer.start(
            [.tcp(host: "127.0.0.1", port: 0)],
            configuration: HTTPServerConfiguration(context),
            responder: PyramidService(context)
        )
        context.attach(server.counters)
        context.readiness.become(.ready)
    }

    /// Sends `request` and returns the whole answer; a thread of its own blocks meanwhile.
    func answer(_ request: String, _ body: [UInt8] = []) async throws -> String {
        let endpoint = server.endpoints[0]
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try LiveService.ask(endpoint, request, body) })
            }
        }
    }

    private static func ask(_ endpoint: Endpoint, _ request: String, _ body: [UInt8]) throws -> String {
        let socket = try BlockingSocket(connectingTo: endpoint, timeout: .seconds(60))
        let head =
            request.replacingOccurrences(of: "\n", with: "\r\n") + "Host: x\r\nConnection: close\r\n\r\n"
        try socket.send(Array(head.utf8) + body)
        var bytes: [UInt8] = []
        while true {
            let piece = try socket.receive()
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
    }

    /// Nothing is left on any loop, and nothing is set aside.
    func stop() async {
        for report in await server.stop(drain: .seconds(10)) { #expect(report.isClean, "\(report)") }
        await context.workers.stop()
        #expect(context.admission.load == Admission.Load(admittedBytes: 0, running: 0, waiting: 0))
    }
}

@Test("A chunk goes in and its pyramid comes out")
func pyramidOverHTTP() async throws {
    let service = try await LiveService()
    let query = "/v1/pyramid?shape=4,2,1&dtype=uint8&method=max&format=raw"
    let answer = try await service.answer(
        "POST \(query) HTTP/1.1\nContent-Length: 8\n",
        Array("abcdefgh".utf8)
    )
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.hasSuffix("\r\n\r\nfh"))
    #expect(answer.contains("Pyramid-Levels: (1 2 1 1)\r\n"))
    #expect(answer.contains("Content-Length: 2\r\n"))
    await service.stop()
}

@Test("A request id is in the answer and in its error")
func requestIDOverHTTP() async throws {
    let service = try await LiveService()
    let answer = try await service.answer("GET /nothing HTTP/1.1\nX-Request-Id: my-id.7\n")
    #expect(answer.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
    #expect(answer.contains("X-Request-Id: my-id.7\r\n"))
    #expect(answer.contains("\"request_id\":\"my-id.7\""))
    await service.stop()
}

@Test("Ready says why it is not")
func readiness() async throws {
    let service = try await LiveService()
    #expect(try await service.answer("GET /readyz HTTP/1.1\n").hasPrefix("HTTP/1.1 200"))
    service.context.readiness.become(.draining)
    let draining = try await service.answer("GET /readyz HTTP/1.1\n")
    #expect(draining.hasPrefix("HTTP/1.1 503") && draining.contains("draining"))
    #expect(try await service.answer("GET /healthz HTTP/1.1\n").hasPrefix("HTTP/1.1 200"))
    await service.stop()
}

@Test("Metrics count what was asked")
func metricsOverHTTP() async throws {
    let service = try await LiveService { $0.limits.mips = 2 }
    let query = "/v1/pyramid?shape=4,2&dtype=uint8&format=raw"
    _ = try await service.answer("POST \(query) HTTP/1.1\nContent-Length: 8\n", Array("abcdefgh".utf8))
    _ = try await service.answer("POST \(query)&mips=3 HTTP/1.1\nContent-Length: 8\n", Array("abcdefgh".utf8))
    let text = try await service.answer("GET /metrics HTTP/1.1\n")
    #expect(
        text.contains("pyramidion_requests_total{route=\"/v1/pyramid\",method=\"POST\",status=\"200\"} 1\n")
    )
    #expect(
        text.contains("pyramidion_requests_total{route=\"/v1/pyramid\",method=\"POST\",status=\"413\"} 1\n")
    )
    #expect(text.contains("pyramidion_voxels_total{method=\"average\",dtype=\"uint8\"} 8\n"))
    #expect(text.contains("pyramidion_refusals_total{limit=\"limits.mips\"} 1\n"))
    #expect(text.contains("pyramidion_memory_admitted_bytes 0\n"))
    await service.stop()
}

@Test("Over the memory budget a request is refused before its body is asked for")
func overBudget() async throws {
    let service = try await LiveService { $0.limits.memory = 1 << 20 }
    let query = "/v1/pyramid?shape=4096,4096&dtype=uint8"
    let answer = try await service.answer(
        "POST \(query) HTTP/1.1\nContent-Length: 16777216\nExpect: 100-continue\n"
    )
    #expect(answer.hasPrefix("HTTP/1.1 413"))
    #expect(answer.contains("limits.memory"))
    await service.stop()
}

@Test("With tokens, only who has one may, and probes need none")
func tokensOverHTTP() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString)")
    try Data("writer-0123456789abcdef write\nreader-0123456789abcdef read\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let service = try await LiveService { $0.tokens = file.path() }
    let post = "POST /v1/pyramid?shape=4,2&dtype=uint8 HTTP/1.1\nContent-Length: 8\n"
    #expect(try await service.answer(post, Array("abcdefgh".utf8)).hasPrefix("HTTP/1.1 401"))
    let reader = post + "Authorization: Bearer reader-0123456789abcdef\n"
    #expect(try await service.answer(reader, Array("abcdefgh".utf8)).hasPrefix("HTTP/1.1 403"))
    let writer = post + "Authorization: Bearer writer-0123456789abcdef\n"
    #expect(try await service.answer(writer, Array("abcdefgh".utf8)).hasPrefix("HTTP/1.1 200"))
    #expect(try await service.answer("GET /healthz HTTP/1.1\n").hasPrefix("HTTP/1.1 200"))
    #expect(try await service.answer("GET /metrics HTTP/1.1\n").hasPrefix("HTTP/1.1 401"))
    let metrics = "GET /metrics?access_token=reader-0123456789abcdef HTTP/1.1\n"
    #expect(try await service.answer(metrics).hasPrefix("HTTP/1.1 200"))
    await service.stop()
}

@Test("Many uploads at once, too large for the spot, are all answered from their loop")
func manyUploads() async throws {
    let service = try await LiveService { $0.loops = 1 }
    let request = "POST /v1/pyramid?shape=64,64,128&dtype=uint8&format=npz HTTP/1.1\nContent-Length: 524288\n"
    let body = [UInt8](repeating: 7, count: 524_288)
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<64 { group.addTask { try await service.answer(request, body) } }
        return try await group.reduce(into: [String]()) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 200 OK\r\n") })
    await service.stop()
}
