// SPDX-License-Identifier: Apache-2.0

import HTTPServer
import Testing
import UV

/// Half-close, early answers, Expect, limits on time and number, stopping.
@Suite("Ends")
struct EndingTests {
    @Test("A client that shuts down its side behind complete requests gets all answers")
    func halfClose() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            try await client.send(
                "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
            )
            await client.finishSending()
            #expect(try await client.answer().body == "GET /1")
            #expect(try await client.answer().body == "hi")
            #expect(await client.isAtEnd())
        }
    }

    @Test("A FIN that comes while the service is busy does not cost the answer")
    func halfCloseWhileBusy() async throws {
        try await withServer { server, responder in
            for path in ["/gate", "/gate-then-body"] {
                let client = try TestClient(server)
                try await client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nthrough")
                #expect(await responder.nextEvent() == "waiting")
                await client.finishSending()
                responder.open()
                #expect(try await client.answer().body == "through")
                #expect(await client.isAtEnd())
            }
        }
    }

    @Test("An answer that ends with its client is given up behind a FIN, unless it is there soon")
    func endsWithClient() async throws {
        try await withServer { server, responder in
            let request = "GET /gate-with-client HTTP/1.1\r\nHost: a\r\n\r\n"
            let client = try TestClient(server)
            try await client.send(request)
            #expect(await responder.nextEvent() == "waiting")
            await client.finishSending()
            #expect(await responder.nextEvent() == "/gate-with-client clientLeft cancelled=true")
            #expect(await client.isAtEnd())
            let quick = try TestClient(server)
            try await quick.send(request)
            #expect(await responder.nextEvent() == "waiting")
            await quick.finishSending()
            responder.open()
            #expect(try await quick.answer().status == 200)
        }
    }

    @Test("A client that leaves inside its body cancels the request")
    func leaves() async throws {
        try await withServer { server, responder in
            for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
                let client = try TestClient(server)
                try await client.send("POST /read HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n5\r\nhe")
                #expect(await responder.nextEvent() == "reading")
                await client.finishSending()
                #expect(await responder.nextEvent() == "/read clientLeft cancelled=true")
                #expect(await client.isAtEnd())
            }
        }
    }

    @Test("A client that leaves inside a head is dropped quietly")
    func leavesInsideHead() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            try await client.send("GET / HTTP/1.1\r\nHos")
            await client.finishSending()
            #expect(await client.isAtEnd())
        }
    }

    @Test("An early answer reaches a client that still uploads; a short rest is read over")
    func earlyAnswerShort() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            try await client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer.status == 413 && !answer.closes)
            try await client.send([UInt8](repeating: 0, count: 100_000))
            #expect(try await client.get("/next").body == "GET /next")
        }
    }

    @Test("An early answer reaches a client that goes on to upload megabytes, and then the connection closes")
    func earlyAnswerLong() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            try await client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
            try await client.send([UInt8](repeating: 0, count: 900_000))
            let answer = try await client.answer()
            #expect(answer.status == 413 && answer.closes && answer.body == "too much")
            await client.finishSending()
            #expect(await client.isAtEnd())
            #expect(server.counters.requests.value == 1)
        }
    }

    @Test(
        "A chunked rest that has arrived before an early answer is read over, then the next request is served"
    )
    func earlyAnswerChunked() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let request = "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            try await client.send(request + "5\r\nhello\r\n0\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer.status == 413 && !answer.closes)
            #expect(try await client.get("/next").body == "GET /next")
        }
    }

    @Test(
        "An early answer to a chunked upload whose end has not come says close, and is read while it goes on"
    )
    func earlyAnswerEndless() async throws {
        try await withServer { server, _ in
            for rest in ["5\r\nhe", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n"] {
                let client = try TestClient(server)
                let request = "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                try await client.send(request + rest)
                let answer = try await client.answer()
                #expect(answer.status == 413 && answer.closes && answer.body == "too much")
                try await client.send([UInt8](repeating: 0, count: 300_000))
                await client.finishSending()
                #expect(await client.isAtEnd())
            }
            #expect(server.counters.requests.value == 3)
        }
    }

    @Test("A body of a GET is read over before the next request")
    func bodyOfGet() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let get = "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
            try await client.send(get + get)
            #expect(try await client.answer().body == "GET /a")
            #expect(try await client.answer().body == "GET /a")
        }
    }

    @Test("100 Continue comes when the service reads, and only once")
    func expectContinue() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            #expect(
                try await client.get("/echo", "Content-Length: 5\r\nExpect: 100-continue\r\n", method: "POST")
                    .status == 100
            )
            try await client.send("hello")
            #expect(try await client.answer().body == "hello")
            #expect(try await client.get("/next").body == "GET /next")
        }
    }

    @Test("A final answer in place of 100 Continue closes, as does one that never reads the body")
    func expectRefused() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let answer = try await client.get(
                "/early",
                "Content-Length: 5\r\nExpect: 100-continue\r\n",
                method: "POST"
            )
            #expect(answer.status == 413 && answer.closes)
            await client.finishSending()
            #expect(await client.isAtEnd())
        }
    }

    @Test("No 100 Continue to a client that sent its body already, to one without a body, or to HTTP/1.0")
    func expectNotNeeded() async throws {
        try await withServer { server, _ in
            let client = try TestClient(server)
            let fields = "Host: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"
            try await client.send("POST /echo HTTP/1.1\r\n\(fields)\r\nhello")
            #expect(try await client.answer().body == "hello")
            #expect(try await client.get("/a", "Expect: 100-continue\r\n").body == "GET /a")
            try await client.send("POST /echo HTTP/1.0\r\n\(fields)\r\nhello")
            #expect(try await client.answer().body == "hello")
        }
    }

    @Test("A head that does not arrive in time is 408")
    func slowHead() async throws {
        try await withServer({ $0.timeouts.head = .milliseconds(40) }) { server, _ in
            let client = try TestClient(server)
            try await client.send("GET / HTTP/1.1\r\nHost: a")
            let answer = try await client.answer()
            #expect(answer.status == 408 && answer.closes)
            await client.finishSending()
            #expect(await client.isAtEnd())
        }
    }

    @Test("A connection that is silent or idle closes without a word")
    func idle() async throws {
        try await withServer({
            $0.timeouts.head = .milliseconds(40)
            $0.timeouts.idle = .milliseconds(40)
        }) { server, _ in
            let silent = try TestClient(server)
            #expect(await silent.isAtEnd())
            let client = try TestClient(server)
            #expect(try await client.get("/a").status == 200)
            #expect(await client.isAtEnd())
        }
    }

    @Test("A body that stops is 408")
    func slowBody() async throws {
        try await withServer({ $0.timeouts.bodyGap = .milliseconds(40) }) { server, responder in
            let client = try TestClient(server)
            try await client.send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            let answer = try await client.answer()
            #expect(answer.status == 408 && answer.closes && answer.body.contains("No byte of the body"))
            #expect(await responder.nextEvent() == "reading")
            #expect(await responder.nextEvent()?.hasPrefix("/read tooSlow") == true)
        }
    }

    @Test("A body that trickles below the least rate is 408")
    func tricklingBody() async throws {
        try await withServer({
            // Far above what a busy machine lets pass between two bytes, which would be a gap.
            $0.timeouts.bodyGap = .milliseconds(400)
            $0.timeouts.bodyBytesPerSecond = 1_000_000_000
        }) { server, _ in
            let client = try TestClient(server)
            try await client.send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            let begin = ContinuousClock.now
            while begin.duration(to: .now) < .milliseconds(800) { try await client.send([0]) }
            let answer = try await client.answer()
            #expect(answer.status == 408 && answer.body.contains("bytes a second"))
        }
    }

    @Test("A client that does not read its answer is dropped")
    func stalledReader() async throws {
        try await withServer({ $0.timeouts.writeStall = .milliseconds(40) }) { server, responder in
            let client = try TestClient(server)
            try await client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await responder.nextEvent() == "/large clientLeft cancelled=true")
        }
    }

    @Test(
        "An answer that takes too long is cut off, whether the service or the client keeps it waiting",
        .timeLimit(.minutes(1))
    )
    func endlessAnswer() async throws {
        for path in ["/gate", "/large"] {
            try await withServer({
                $0.timeouts.answer = .milliseconds(40)
                $0.timeouts.writeStall = .seconds(3600)
            }) { server, responder in
                let client = try TestClient(server)
                try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                if path == "/gate" { #expect(await responder.nextEvent() == "waiting") }
                #expect(await responder.nextEvent() == "\(path) clientLeft cancelled=true")
            }
        }
    }

    @Test("The time of an answer is not counted while its request is read", .timeLimit(.minutes(1)))
    func answerTimeBeginsBehindBody() async throws {
        try await withServer({ $0.timeouts.answer = .milliseconds(40) }) { server, responder in
            let client = try TestClient(server)
            try await client.send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
            #expect(await responder.nextEvent() == "reading")
            // A later request whose time runs out: so much has passed.
            let other = try TestClient(server)
            try await other.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await responder.nextEvent() == "waiting")
            #expect(await responder.nextEvent() == "/gate clientLeft cancelled=true")
            try await client.send("abc")
            #expect(try await client.answer().status == 200)
        }
    }

    @Test("A client that reads its answer below the least rate is dropped", .timeLimit(.minutes(1)))
    func tricklingReader() async throws {
        try await withServer({
            $0.timeouts.writeStall = .seconds(3600)
            $0.timeouts.answerWindow = .milliseconds(40)
            $0.timeouts.answerBytesPerSecond = 1 << 40
        }) { server, responder in
            let client = try TestClient(server)
            try await client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await responder.nextEvent() == "/large clientLeft cancelled=true")
        }
    }

    @Test("A client that reads above the least rate gets all of its answer, however many windows it takes")
    func steadyReader() async throws {
        try await withServer({
            $0.timeouts.answerWindow = .milliseconds(10)
            $0.timeouts.answerBytesPerSecond = 1
        }) { server, _ in
            let client = try TestClient(server)
            #expect(try await client.get("/large").body.utf8.count == 20_000_000)
        }
    }

    @Test("A client that is gone is noticed though it left more than is read ahead", .timeLimit(.minutes(1)))
    func leavesBehindFullReadAhead() async throws {
        let path = "/tmp/pyramidion-test-\(UInt32.random(in: 0...UInt32.max)).sock"
        for endpoint in [Endpoint.tcp(host: "127.0.0.1", port: 0), .unix(path: path)] {
            try await withServer({ $0.limits.readAheadBytes = 1000 }, endpoint: endpoint) {
                server,
                responder in
                let client = try TestClient(server)
                try await client.send("POST /gate HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
                try await client.send([UInt8](repeating: 0, count: 50_000))
                #expect(await responder.nextEvent() == "waiting")
                await client.vanish()
                #expect(await responder.nextEvent() == "/gate clientLeft cancelled=true")
            }
        }
    }

    @Test("Many slow clients do not keep a quick one waiting, and their places are free afterwards")
    func manySlowClients() async throws {
        try await withServer({ $0.timeouts.head = .milliseconds(300) }) { server, _ in
            var slow: [TestClient] = []
            for _ in 0..<100 {
                let client = try TestClient(server)
                try await client.send("GET / HTTP/1.1\r\nHost: ")
                slow.append(client)
            }
            let quick = try TestClient(server)
            for _ in 0..<10 { #expect(try await quick.get("/a").status == 200) }
            for client in slow {
                #expect(try await client.answer().status == 408)
                await client.finishSending()
                #expect(await client.isAtEnd())
            }
        }
    }

    @Test("A connection over a limit is answered 503; when one has gone the next is served")
    func connectionLimits() async throws {
        for limitsAddress in [true, false] {
            try await withServer({
                if limitsAddress { $0.limits.connectionsPerAddress = 2 } else { $0.limits.connections = 2 }
            }) { server, _ in
                let first = try TestClient(server)
                let second = try TestClient(server)
                #expect(try await first.get("/a").status == 200)
                #expect(try await second.get("/a").status == 200)
                let third = try TestClient(server)
                #expect(try await third.answer().status == 503)
                await third.finishSending()
                #expect(await third.isAtEnd())
                #expect(try await first.get("/a", "Connection: close\r\n").status == 200)
                await first.finishSending()
                #expect(await first.isAtEnd())
                let fourth = try TestClient(server)
                #expect(try await fourth.get("/a").status == 200)
                #expect(server.counters.refused.value == 1)
            }
        }
    }

    @Test("Stopping lets a request in flight be answered, with close, and closes idle connections")
    func drains() async throws {
        let responder = TestResponder()
        let server = try await HTTPServer.start([.tcp(host: "127.0.0.1", port: 0)], responder: responder)
        let busy = try TestClient(server)
        let idle = try TestClient(server)
        #expect(try await idle.get("/a").status == 200)
        try await busy.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await responder.nextEvent() == "waiting")
        async let reports = server.stop(drain: .seconds(10))
        #expect(await idle.isAtEnd())
        #expect((try? await TestClient(server).get("/late")) == nil)
        responder.open()
        let answer = try await busy.answer()
        #expect(answer.body == "through" && answer.closes)
        await busy.finishSending()
        for report in await reports { #expect(report.isClean) }
    }

    @Test("Stopping cancels what is not done in time")
    func cancels() async throws {
        let responder = TestResponder()
        let server = try await HTTPServer.start([.tcp(host: "127.0.0.1", port: 0)], responder: responder)
        let client = try TestClient(server)
        try await client.send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        #expect(await responder.nextEvent() == "reading")
        for report in await server.stop(drain: .zero) { #expect(report.isClean) }
        #expect(await responder.nextEvent() == "/read cancelled cancelled=true")
        #expect(await client.isAtEnd())
    }
}
