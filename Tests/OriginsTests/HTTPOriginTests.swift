// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Origins

struct HTTPOriginTests {
    @Test("An object is what a GET of the URL and the key answers") func plain() async throws {
        try await withServer(script: { _, _ in .answer(200, ["ETag: \"v1\""], "chunk") }) {
            url,
            client,
            server in
            let origin = try HTTPOrigin(url: url + "/data/volume/", client: client)
            let object = try #require(try await origin.object("8_8_40/0-64_0-64_0-64", limit: 5))
            #expect(object.text == "chunk")
            #expect(object.coding == .identity)
            #expect(object.version == "\"v1\"")
            let head = try #require(await server.heads.first)
            #expect(head.hasPrefix("GET /data/volume/8_8_40/0-64_0-64_0-64 HTTP/1.1\r\n"))
            #expect(head.contains("\r\nAccept-Encoding: gzip\r\n"))
            #expect(head.contains("\r\nUser-Agent: pyramidion/test\r\n"))
        }
    }

    @Test("A key that begins with dots is resolved in the URL, on the same server") func dots() async throws {
        try await withServer(script: { _, _ in .answer(200, [], "chunk") }) { url, client, server in
            let origin = try HTTPOrigin(url: url + "/data/volume/?a=b", client: client)
            #expect(try await origin.object("../x/s0/0-1", limit: 5)?.text == "chunk")
            #expect(try await origin.object("a/../../../s/0-1", limit: 5)?.text == "chunk")
            #expect(
                await server.heads.requestLines
                    == ["GET /data/x/s0/0-1?a=b HTTP/1.1", "GET /s/0-1?a=b HTTP/1.1"]
            )
            #expect(throws: OriginError.self) { try origin.check("../../../s") }
            #expect(throws: OriginError.self) { try origin.check("http://127.0.0.1/s") }
            try origin.check("../../s")
        }
    }

    @Test("Packed bodies are passed on as they are", arguments: ["gzip", "x-gzip", "GZIP"])
    func packed(_ name: String) async throws {
        try await withServer(script: { _, _ in
            .answer(
                200,
                ["Content-Encoding: \(name)", "Last-Modified: Sun, 22 Nov 2026 10:46:15 GMT"],
                "\u{1f}packed"
            )
        }) { url, client, _ in
            let object = try #require(try await HTTPOrigin(url: url, client: client).object("a", limit: 99))
            #expect(object.coding == .gzip)
            #expect(object.text == "\u{1f}packed")
            #expect(object.version == "Sun, 22 Nov 2026 10:46:15 GMT")
        }
    }

    @Test("A coding that was not offered is a broken answer") func otherCoding() async throws {
        try await withServer(script: { _, _ in .answer(200, ["Content-Encoding: br"], "?") }) {
            url,
            client,
            _ in
            guard case .brokenAnswer(_, let reason) = await object(url, client) else {
                Issue.record()
                return
            }
            #expect(reason.contains("'br'"))
        }
    }

    @Test("404 means that it is not there") func missing() async throws {
        try await withServer(script: { _, _ in .answer(404, [], "not here") }) { url, client, server in
            let origin = try HTTPOrigin(url: url, client: client)
            #expect(try await origin.object("a", limit: 99) == nil)
            #expect(try await origin.range("a", 0..<1) == nil)
            #expect(await server.heads.count == 2)
            #expect(client.counts.failures == 0)
        }
    }

    @Test(
        "Any other refusal is an error at once, 403 too: a lost permission is no empty volume",
        arguments: [400, 401, 403, 410, 206, 204, 304, 501]
    )
    func refused(_ status: Int) async throws {
        try await withServer(script: { _, _ in .text("HTTP/1.1 \(status) No\r\nContent-Length: 0\r\n\r\n") })
        {
            url,
            client,
            server in
            #expect(await object(url, client) == .refused(place: url + "/a", status: status))
            #expect(await server.heads.count == 1)
        }
    }

    @Test("What may pass is tried three times in all", arguments: [429, 500, 502, 503, 504])
    func threeTries(_ status: Int) async throws {
        try await withServer(script: { _, _ in .answer(status, ["Retry-After: 3600"], "busy") }) {
            url,
            client,
            server in
            #expect(await object(url, client) == .refused(place: url + "/a", status: status))
            #expect(await server.heads.count == 3)
            #expect(client.counts.retries == 2)
            #expect(client.counts.failures == 1)
        }
    }

    @Test("A further try may succeed") func secondTry() async throws {
        try await withServer(script: { number, _ in
            switch number {
            case 1: .answer(503)
            case 2: .lastBytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".utf8))
            default: .answer(200, [], "whole")
            }
        }) { url, client, server in
            let origin = try HTTPOrigin(url: url, client: client)
            #expect(try await origin.object("a", limit: 99)?.text == "whole")
            #expect(await server.heads.count == 3)
        }
    }

    @Test("A body that ends too early is an error, never a short object") func truncated() async throws {
        try await withServer(script: { _, _ in
            .lastBytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".utf8))
        }) { url, client, server in
            guard case .unreachable(let place, _) = await object(url, client) else {
                Issue.record()
                return
            }
            #expect(place == url + "/a")
            #expect(await server.heads.count == 3)
        }
    }

    @Test("A chunked body is taken, and one that breaks off is an error") func chunked() async throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        try await withServer(
            limits: { $0.tries = 1 },
            script: { number, _ in
                number == 1
                    ? .text(head + "3\r\nabc\r\n2\r\nde\r\n0\r\nContent-Encoding: br\r\n\r\n")
                    : .lastBytes(Array((head + "3\r\nabc\r\n").utf8))
            }
        ) { url, client, _ in
            let origin = try HTTPOrigin(url: url, client: client)
            #expect(try await origin.object("a", limit: 5)?.text == "abcde")
            #expect(await object(url, client) != nil)
        }
    }

    @Test("No server at all is unreachable") func nobody() async throws {
        let port = try ReservedPort()
        try await withServer(script: { _, _ in .silence }) { _, client, _ in
            let failure = await object("http://127.0.0.1:\(port.number)/v", client)
            guard case .unreachable(_, let reason) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            #expect(!reason.isEmpty)
            #expect(client.counts.retries == 2)
        }
    }

    @Test("What is no HTTP is a broken answer") func noHTTP() async throws {
        try await withServer(
            limits: { $0.tries = 1 },
            script: { _, _ in .lastBytes(Array("SSH-2.0-x\r\n\r\n".utf8)) }
        ) {
            url,
            client,
            _ in
            #expect(await object(url, client) != nil)
        }
    }

    @Test("A server that says nothing is waited for until the time is over") func silent() async throws {
        try await withServer(limits: { $0.totalTimeout = .milliseconds(30) }, script: { _, _ in .silence }) {
            url,
            client,
            _ in
            let error = try #require(await object(url, client))
            guard case .timedOut = error else { throw error }
            #expect(error.message.contains(url))
        }
    }

    @Test("An object is too large by its declared length or by what comes", arguments: [true, false])
    func tooLarge(_ isDeclared: Bool) async throws {
        try await withServer(script: { _, _ in
            isDeclared
                ? .text("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
                : .text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n")
        }) { url, client, server in
            #expect(await object(url, client, limit: 5) == .tooLarge(place: url + "/a", limit: 5))
            #expect(await server.heads.count == 1)
        }
    }

    @Test("A head without end is a broken answer") func endlessHead() async throws {
        let lines = String(
            repeating: "X-Padding: " + String(repeating: "x", count: 4000) + "\r\n",
            count: 100
        )
        try await withServer(script: { _, _ in .text("HTTP/1.1 200 OK\r\n" + lines + "\r\n") }) {
            url,
            client,
            _ in
            guard case .brokenAnswer(_, let reason) = await object(url, client) else {
                Issue.record()
                return
            }
            #expect(reason.contains("head"))
        }
    }

    @Test("An interim answer is not the answer") func interim() async throws {
        try await withServer(script: { _, _ in
            .text(
                "HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\nETag: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
            )
        }) { url, client, _ in
            let object = try #require(try await HTTPOrigin(url: url, client: client).object("a", limit: 9))
            #expect(object.text == "a")
            #expect(object.version == nil)
        }
    }

    private func object(_ url: String, _ client: HTTPClient, limit: Int = 99) async -> OriginError? {
        await failure { () throws(OriginError) in
            try await HTTPOrigin(url: url, client: client).object("a", limit: limit)
        }
    }
}
