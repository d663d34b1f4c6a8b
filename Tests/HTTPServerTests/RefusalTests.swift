// SPDX-License-Identifier: Apache-2.0

import HTTP1
import HTTPServer
import HTTPTypes
import Testing

/// Requests that no server should take, on a live socket.
@Suite("Refusals")
struct RefusalTests {
    private static let host = "Host: a\r\n"

    private static func get(_ line: String, _ fields: String = host) -> String { "\(line)\r\n\(fields)\r\n" }

    private static func post(_ fields: String, _ body: String = "") -> String {
        "POST /echo HTTP/1.1\r\n\(host)\(fields)\r\n\(body)"
    }

    private static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked\r\n", body) }

    static let heads: [(String, Int)] = [
        (post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
        (post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400),
        (post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400),
        (post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400),
        (post("Content-Length: +5\r\n", "hello"), 400), (post("Content-Length: -5\r\n", "hello"), 400),
        (post("Content-Length: 0x5\r\n", "hello"), 400), (post("Content-Length: 5, 5\r\n", "hello"), 400),
        (post("Content-Length:\r\n"), 400), (post("Content-Length: 99999999999999999999\r\n"), 400),
        (post("Content-Length: 9223372036854775807\r\n"), 413),
        (post("Transfer-Encoding: xchunked\r\n"), 400), (post("Transfer-Encoding: \"chunked\"\r\n"), 400),
        (post("Transfer-Encoding: chunked, chunked\r\n"), 400),
        (post("Transfer-Encoding:\tchunked\r\n"), 400),
        (post("Transfer-Encoding: \u{b}chunked\r\n"), 400), (post("Transfer-Encoding: gzip\r\n"), 400),
        (post("Transfer-Encoding: gzip, chunked\r\n"), 501), (post("Transfer-Encoding : chunked\r\n"), 400),
        (post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400), (get("GET / HTTP/1.1", "Host: a\r\nX: a\rb\r\n"), 400),
        (get("GET / HTTP/1.1", "Host: a\r\nX: a\0b\r\n"), 400),
        (get("GET / HTTP/1.1", "Host: a\r\nX: a\r\n b\r\n"), 400),
        (get("GET / HTTP/1.1", "Host: a\r\n: b\r\n"), 400), (get("GET / HTTP/1.1", " Host: a\r\n"), 400),
        (get("GET / HTTP/1.1", ""), 400), (get("GET / HTTP/1.1", "Host: a\r\nHost: a\r\n"), 400),
        (get("GET / HTTP/1.1", "Host: a b\r\n"), 400), (get("GET / HTTP/1.1", "Host:\r\n"), 400),
        (get("GET  / HTTP/1.1"), 400), (get("GET / HTTP/1.1 "), 400), ("GET /\r\n\r\n", 400),
        (get("GET / HTTP/2.0"), 505), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), (get("GET / http/1.1"), 400),
        (get("BREW / HTTP/1.1"), 501), (get("TRACE / HTTP/1.1"), 501), (get("CONNECT a:1 HTTP/1.1"), 501),
        (get("GET a:1 HTTP/1.1"), 400), (get("GET * HTTP/1.1"), 400), (get("GET /%00 HTTP/1.1"), 400),
        (get("GET /%zz HTTP/1.1"), 400), (get("GET /../a HTTP/1.1"), 400),
        (get("GET /%2e%2e/a HTTP/1.1"), 400),
        (get("GET /a%2fb HTTP/1.1"), 400), (get("GET /%c0%ae HTTP/1.1"), 400),
        (get("GET /\u{e9} HTTP/1.1"), 400),
        (get("GET /#a HTTP/1.1"), 400), ("\u{16}\u{3}\u{1}\u{2}", 400),
        (get("GET /" + String(repeating: "a", count: 20_000) + " HTTP/1.1"), 414),
        ("GET /" + String(repeating: "a", count: 20_000), 414),
        (get("GET / HTTP/1.1", "Host: a\r\nX: " + String(repeating: "a", count: 20_000) + "\r\n"), 431),
        (get("GET / HTTP/1.1", host + String(repeating: "X: a\r\n", count: 200)), 431),
        (get("GET / HTTP/1.1", host + String(repeating: "X: aaaaaaaaaaaaaaaa\r\n", count: 100_000)), 431),
        (post("Content-Length: 5\r\nExpect: tea\r\n"), 417),
    ]

    static let bodies: [(String, Int)] = [
        (chunked("5\r\nhelloX\r\n0\r\n\r\n"), 400), (chunked("+5\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400), (chunked("5 \r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("\r\nhello\r\n0\r\n\r\n"), 400), (chunked("5\nhello\r\n0\r\n\r\n"), 400),
        (chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), 400), (chunked("5;a\rb\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("00000000000000005\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 413),
        (chunked("5;" + String(repeating: "e", count: 5000) + "\r\nhello\r\n0\r\n\r\n"), 413),
        (chunked("5\r\nhello\r\n0\r\nA : b\r\n\r\n"), 400),
        (chunked("5\r\nhello\r\n0\r\nA\0: b\r\n\r\n"), 400),
        (chunked("0\r\n" + String(repeating: "A: b\r\n", count: 100) + "\r\n"), 431),
    ]

    @Test(
        "What is no request is answered by its status, announces the close, and nothing behind it is answered"
    )
    func heads() async throws {
        try await withServer { server, _ in
            for (request, status) in Self.heads {
                let client = try TestClient(server)
                try? await client.send(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.status == status, "\(request.prefix(100).debugDescription)")
                #expect(answer.closes && answer.isWhole && answer.fields["date"] != nil)
                #expect(!answer.body.isEmpty)
                await client.finishSending()
                #expect(await client.isAtEnd(), "\(request.prefix(100).debugDescription)")
            }
            #expect(server.counters.requests.value == 0)
            #expect(server.counters.protocolErrors.value == Self.heads.count)
        }
    }

    @Test("A body that breaks reaches the service as an error, is answered for it, and closes")
    func bodies() async throws {
        try await withServer { server, responder in
            for (request, status) in Self.bodies {
                let client = try TestClient(server)
                try await client.send(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.status == status, "\(request.prefix(100).debugDescription)")
                #expect(answer.closes && answer.isWhole)
                await client.finishSending()
                #expect(await client.isAtEnd())
                #expect(await responder.nextEvent()?.hasPrefix("/echo protocolError") == true)
            }
            #expect(server.counters.requests.value == Self.bodies.count)
        }
    }

    @Test("A broken request behind good ones does not swallow their answers")
    func brokenBehindGood() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            try await client.send(
                "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
                    + "GET /3 HTTP/1.1\r\nHost : a\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            #expect(try await client.answer().body == "GET /1")
            #expect(try await client.answer().body == "hi")
            #expect(try await client.answer().status == 400)
            await client.finishSending()
            #expect(await client.isAtEnd())
        }
    }

    @Test("The hook decides what an error looks like")
    func errorBody() async throws {
        try await withServer({ configuration in
            configuration.errorBody = {
                ([.contentType: "application/problem+json"], Array("{\"\($0.statusHint)\"}".utf8))
            }
        }) { server, _ in
            let client = try TestClient(server)
            let answer = try await client.get("/ a")
            #expect(answer.fields["content-type"] == "application/problem+json")
            #expect(answer.body == "{\"400\"}")
        }
    }
}
