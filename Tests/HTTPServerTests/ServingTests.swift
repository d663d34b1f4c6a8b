// SPDX-License-Identifier: Apache-2.0

import HTTP1
import HTTPServer
import Testing
import UV

@Suite("Serving")
struct ServingTests {
    @Test("Requests on one connection are answered one after another")
    func keepAlive() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            for index in 0..<3 {
                let answer = try await client.get("/\(index)")
                #expect(answer.body == "GET /\(index)")
                #expect(!answer.closes && answer.fields["date"]?.hasSuffix(" GMT") == true)
            }
            #expect(server.counters.accepted.value == 1)
            #expect(server.counters.requests.value == 3)
        }
    }

    @Test("Hundreds of requests in one segment are answered in order")
    func pipelining() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            try await client.send((0..<500).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            for index in 0..<500 { #expect(try await client.answer().body == "GET /\(index)") }
        }
    }

    @Test("Requests behind a POST body, its length told or chunked, are answered in order")
    func pipeliningBehindBodies() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
            let chunked =
                "POST /small-reads HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "b\r\nhello world\r\n6\r\n, here\r\n0\r\nX: y\r\n\r\n"
            let get = "GET /get HTTP/1.1\r\nHost: a\r\n\r\n"
            try await client.send(String(repeating: post + chunked + get, count: 50))
            for _ in 0..<50 {
                #expect(try await client.answer().body == "hello")
                #expect(try await client.answer().body == "hello world, here")
                #expect(try await client.answer().body == "GET /get")
            }
        }
    }

    @Test("A held head goes out before its body, and without one at the end")
    func heldHead() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            for (target, body) in [
                ("/held-length", "onetwo"), ("/held-stream", "onetwo"), ("/held-empty", ""),
                ("/held-empty?chunked", ""),
            ] {
                let answer = try await client.get(target)
                #expect(answer.status == 200 && answer.isWhole)
                #expect(answer.body == body)
            }
            try await client.send("HEAD /held-length HTTP/1.1\r\nHost: a\r\n\r\n")
            let head = try await client.answer(to: "HEAD")
            #expect(head.fields["content-length"] == "6" && head.body.isEmpty)
            try await client.send("GET /held-abort HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await client.isAtEnd())
        }
    }

    @Test("A request that arrives byte by byte is answered")
    func byteByByte() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let text =
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            for byte in text.utf8 { try await client.send([byte]) }
            #expect(try await client.answer().body == "abc")
            #expect(try await client.get("/next").body == "GET /next")
        }
    }

    @Test("A client that sends thousands of requests and reads nothing yet gets every answer later")
    func floodOfRequests() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let count = 5000
            try await client.send(
                String(repeating: "GET /0123456789 HTTP/1.1\r\nHost: a\r\n\r\n", count: count)
            )
            for _ in 0..<count {
                guard try await client.answer().body == "GET /0123456789" else {
                    Issue.record("an answer is not in order")
                    return
                }
            }
        }
    }

    @Test("A large body arrives whole, its length told or chunked")
    func largeBodies() async throws {
        try await withServer { server, _ in
            let body = [UInt8](repeating: 65, count: 3_000_000)
            let client = try TestClient(server)
            try await client.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
            try await client.send(body)
            #expect(try await client.answer().body == "3000000")
            try await client.send("POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for size in [1, 70_000, 3, 500_000] {
                try await client.send(
                    Array((String(size, radix: 16) + "\r\n").utf8) + body.prefix(size) + [13, 10]
                )
            }
            try await client.send("0\r\n\r\n")
            #expect(try await client.answer().body == "570004")
            #expect(try await client.get("/next").status == 200)
        }
    }

    @Test("A body comes back as it was sent")
    func echo() async throws {
        try await withServer { server, _ in
            let body = (0..<300_000).map { UInt8(ascii: "a") + UInt8($0 * 7 / 13 % 26) }
            let client = try TestClient(server)
            try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
            try await client.send(body)
            #expect(Array(try await client.answer().body.utf8) == body)
        }
    }

    @Test("A body that comes while the service is busy waits, however long it is")
    func bodyWhileBusy() async throws {
        try await withServer { server, responder in
            let client = try TestClient(server)
            try await client.send(
                "POST /gate-then-body HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"
            )
            #expect(await responder.nextEvent() == "waiting")
            try await client.send([UInt8](repeating: 66, count: 200_000))
            responder.open()
            #expect(try await client.answer().body == String(repeating: "B", count: 200_000))
        }
    }

    @Test("HEAD has the fields of GET and no body; the connection stays in step")
    func headMethod() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let head = try await client.get("/a", method: "HEAD")
            #expect(head.fields["content-length"] == "7")
            #expect(try await client.get("/stream", method: "HEAD").status == 200)
            #expect(try await client.get("/length", method: "HEAD").fields["content-length"] == "6")
            #expect(try await client.get("/a").body == "GET /a")
        }
    }

    @Test("204 has no body; the connection stays in step")
    func noContent() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let answer = try await client.get("/no-content")
            #expect(answer.status == 204 && answer.fields["content-length"] == nil)
            #expect(try await client.get("/a").body == "GET /a")
        }
    }

    @Test("An answer of unknown length is chunked, of known length has it")
    func streaming() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let chunked = try await client.get("/stream")
            #expect(chunked.body == "onetwo" && chunked.fields["transfer-encoding"] == "chunked")
            #expect(chunked.fields["content-length"] == nil && chunked.isWhole)
            let length = try await client.get("/length")
            #expect(length.body == "onetwo" && length.fields["content-length"] == "6")
        }
    }

    @Test("A body that is not as long as it should be, or is aborted, closes before its end")
    func brokenAnswers() async throws {
        try await withServer { server, responder in
            for path in ["/short", "/long", "/abort", "/begun"] {
                let client = try TestClient(server)
                #expect(try await !client.get(path).isWhole, "\(path)")
                #expect(await client.isAtEnd())
            }
            #expect(await responder.nextEvent()?.contains("misuse") == true)
            #expect(await responder.nextEvent()?.contains("misuse") == true)
        }
    }

    @Test("An aborted answer that would end with the connection is reset, so that it does not look whole")
    func abortedHTTP10() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            try await client.send("GET /abort HTTP/1.0\r\n\r\n")
            await #expect(throws: UVError.self) { try await client.answer() }
        }
    }

    @Test("A service that does not answer is answered for with 500")
    func silent() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let answer = try await client.get("/silent")
            #expect(answer.status == 500 && answer.closes)
        }
    }

    @Test("Twenty megabytes reach a client that reads")
    func largeAnswer() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            #expect(try await client.get("/large").body.utf8.count == 20_000_000)
            #expect(server.counters.bytesOut.value > 20_000_000)
        }
    }

    @Test("HTTP/1.0 is closed behind the answer unless it asks to be kept, and never gets chunks")
    func http10() async throws {
        try await withServer { server, _ in
            var client = try TestClient(server)
            try await client.send("GET /a HTTP/1.0\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer.body == "GET /a" && answer.closes)
            #expect(await client.isAtEnd())
            client = try TestClient(server)
            try await client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await client.answer().fields["connection"] == "keep-alive")
            try await client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let streamed = try await client.answer()
            #expect(
                streamed.body == "onetwo" && streamed.closes && streamed.fields["transfer-encoding"] == nil
            )
        }
    }

    @Test("Connection: close, of the client or of the service, closes behind the answer")
    func close() async throws {
        try await withServer { server, _ in
            var client = try TestClient(server)
            #expect(try await client.get("/a", "Connection: close\r\n").closes)
            #expect(await client.isAtEnd())
            client = try TestClient(server)
            #expect(try await client.get("/close").closes)
            #expect(await client.isAtEnd())
        }
    }

    @Test("Nothing is served behind a request that says close")
    func nothingBehindClose() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            try await client.send(
                "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            #expect(try await client.answer().body == "GET /a")
            await client.finishSending()
            #expect(await client.isAtEnd())
            #expect(server.counters.requests.value == 1)
        }
    }

    @Test("A connection may make as many requests as its limit")
    func requestLimit() async throws {
        try await withServer({ $0.limits.connection.requests = 2 }) { server, _ in
            let client = try TestClient(server)
            #expect(try await !client.get("/a").closes)
            #expect(try await client.get("/a").closes)
            #expect(await client.isAtEnd())
        }
    }

    @Test("The client's address is known; on a Unix socket it is unix")
    func address() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            #expect(try await client.get("/address").body == "127.0.0.1")
        }
        let path = "/tmp/pyramidion-test-\(UInt32.random(in: 0...UInt32.max)).sock"
        try await withServer(endpoint: .unix(path: path)) { server, _ in
            let client = try TestClient(server)
            #expect(try await client.get("/address").body == "unix")
        }
    }

    @Test("A port of another server is refused, however many loops either has")
    func takenPort() async throws {
        for (first, second) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            try await withServer(loops: first) { server, responder in
                do throws(UVError) {
                    let other = try await HTTPServer.start(
                        server.endpoints,
                        loopCount: second,
                        responder: responder
                    )
                    await other.stop(drain: .zero)
                    Issue.record("two servers on one port")
                } catch {
                    #expect(error.name == "EADDRINUSE")
                }
            }
        }
    }

    @Test("Several loops share a port")
    func severalLoops() async throws {
        try await withServer(loops: 3) { server, _ in
            for _ in 0..<20 {
                let client = try TestClient(server)
                #expect(try await client.get("/a").body == "GET /a")
            }
        }
    }
}
