// SPDX-License-Identifier: Apache-2.0
import Testing
import UV

@testable import Origins

struct HTTPClientTests {
    @Test("Connections are kept, and no more are opened to a host than allowed") func connections()
        async throws
    {
        try await withServer(limits: { $0.connectionsPerHost = 3 }, script: { _, _ in .answer(200, [], "a") })
        {
            url,
            client,
            server in
            let origin = try HTTPOrigin(url: url, client: client)
            let texts = try await withThrowingTaskGroup(of: String?.self) { group in
                for index in 0..<50 {
                    group.addTask { try await origin.object("\(index)", limit: 1)?.text }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(texts == Array(repeating: "a", count: 50))
            #expect(await server.connections <= 3)
            #expect(await server.heads.count == 50)
            #expect(client.counts.requests == 50)
            #expect(client.counts.bytes == 50)
        }
    }

    @Test("What is no HTTP on a connection that was used before is asked for again on another, once")
    func surplus() async throws {
        let surplus = ScriptedServer.Reply.text("surplus of the answer before")
        for isLasting in [false, true] {
            try await withServer(script: { number, _ in
                number == 2 || number > 2 && isLasting ? surplus : .answer(200, [], "a")
            }) { url, client, server in
                let origin = try HTTPOrigin(url: url, client: client)
                #expect(try await origin.object("1", limit: 1)?.text == "a")
                if isLasting {
                    let error = await failure { () throws(OriginError) in
                        try await origin.object("2", limit: 1)
                    }
                    guard case .brokenAnswer = error else {
                        Issue.record("\(String(describing: error))")
                        return
                    }
                } else {
                    #expect(try await origin.object("2", limit: 1)?.text == "a")
                }
                #expect(await server.heads.count == 3)
                #expect(await server.connections == 2)
            }
        }
    }

    @Test("Requests over the limit are refused, and those that wait are not") func waiting() async throws {
        try await withServer(
            limits: {
                $0.connectionsPerHost = 1
                $0.waitingRequests = 1
            },
            script: { _, _ in .silence }
        ) { url, client, server in
            let origin = try HTTPOrigin(url: url, client: client)
            var events = server.events.makeAsyncIterator()
            let first = Task {
                await failure { () throws(OriginError) in try await origin.object("1", limit: 1) }
            }
            #expect(await events.next() == .asked("GET /1 HTTP/1.1"))
            // One of the two waits, the other is refused, whichever comes first.
            let others = (2...3).map { index in
                Task {
                    await failure { () throws(OriginError) in try await origin.object("\(index)", limit: 1) }
                }
            }
            await withTaskGroup(of: (Int, OriginError?).self) { group in
                for (index, task) in others.enumerated() { group.addTask { (index, await task.value) } }
                let (index, error) = await group.next() ?? (0, nil)
                #expect(error == .tooManyWaiting(limit: 1))
                others[1 - index].cancel()
                #expect(await group.next()?.1 == .cancelled)
            }
            first.cancel()
            #expect(await first.value == .cancelled)
        }
    }

    @Test("Cancelling the task ends the request and its connection") func cancel() async throws {
        try await withServer(script: { _, _ in .silence }) { url, client, server in
            let origin = try HTTPOrigin(url: url, client: client)
            var events = server.events.makeAsyncIterator()
            let task = Task {
                await failure { () throws(OriginError) in try await origin.object("a", limit: 1) }
            }
            #expect(await events.next() == .asked("GET /a HTTP/1.1"))
            task.cancel()
            #expect(await task.value == .cancelled)
            #expect(await events.next() == .connectionEnded)
            #expect(client.counts.failures == 0)
        }
    }

    @Test("A task that is cancelled already asks for nothing") func cancelledBefore() async throws {
        try await withServer(script: { _, _ in .answer(200) }) { url, client, server in
            let origin = try HTTPOrigin(url: url, client: client)
            let error = await withTaskGroup(of: OriginError?.self) { group in
                group.cancelAll()
                group.addTask {
                    await failure { () throws(OriginError) in try await origin.object("a", limit: 1) }
                }
                return await group.next() ?? nil
            }
            #expect(error == .cancelled)
            #expect(await server.heads.isEmpty)
        }
    }

    @Test("Cancelling ends the wait between two tries") func cancelPause() async throws {
        try await withServer(limits: { $0.backOff = { _ in .seconds(20) } }, script: { _, _ in .answer(503) })
        {
            url,
            client,
            server in
            let origin = try HTTPOrigin(url: url, client: client)
            var events = server.events.makeAsyncIterator()
            let task = Task {
                await failure { () throws(OriginError) in try await origin.object("a", limit: 1) }
            }
            #expect(await events.next() == .asked("GET /a HTTP/1.1"))
            task.cancel()
            #expect(await task.value == .cancelled)
        }
    }

    @Test("Closing ends what is under way, what waits and what pauses, and refuses what comes later")
    func close() async throws {
        try await withServer(
            limits: {
                $0.connectionsPerHost = 2
                $0.backOff = { _ in .seconds(20) }
            },
            script: { _, head in head.contains("GET /busy") ? .answer(503) : .silence }
        ) { url, client, server in
            let origin = try HTTPOrigin(url: url, client: client)
            var events = server.events.makeAsyncIterator()
            let request = { (key: String) in
                Task { await failure { () throws(OriginError) in try await origin.object(key, limit: 1) } }
            }
            // The first pauses, which makes room: two more are under way, and one waits.
            var tasks = [request("busy")]
            _ = await events.next()
            for key in ["a", "b", "c"] { tasks.append(request(key)) }
            for _ in 0..<2 { _ = await events.next() }
            #expect(await client.close().isClean)
            for task in tasks { #expect(await task.value == .stopped) }
            let late = await failure { () throws(OriginError) in try await origin.object("a", limit: 1) }
            #expect(late == .stopped)
        }
    }

    @Test("Redirects are followed, three at most") func redirects() async throws {
        try await withServer(script: { _, head in
            let number = Int(head.dropFirst("GET /volume/".count).prefix { $0.isNumber }) ?? 0
            return number == 0
                ? .answer(200, [], "there") : .answer(302, ["Location: /volume/\(number - 1)"], "moved")
        }) { url, client, server in
            let origin = try HTTPOrigin(url: url + "/volume", client: client)
            #expect(try await origin.object("3", limit: 99)?.text == "there")
            #expect(await server.heads.count == 4)
            let error = await failure { () throws(OriginError) in try await origin.object("4", limit: 99) }
            guard case .brokenAnswer(let place, let reason) = error else {
                Issue.record()
                return
            }
            #expect(place == url + "/volume/4")
            #expect(reason.contains("more than 3 times"))
        }
    }

    @Test(
        "Redirects to other schemes and to nowhere are refused",
        arguments: ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://127.0.0.1/", nil]
    )
    func otherSchemes(_ target: String?) async throws {
        try await withServer(script: { _, _ in .answer(301, target.map { ["Location: \($0)"] } ?? []) }) {
            url,
            client,
            server in
            let origin = try HTTPOrigin(url: url, client: client)
            let error = await failure { () throws(OriginError) in try await origin.object("a", limit: 99) }
            guard case .brokenAnswer = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(await server.heads.count == 1)
        }
    }

    @Test("From https a redirect leads to https only") func downgrade() throws {
        let secure = try WebAddress("https://user:secret@host/a")
        #expect(throws: OriginError.self) { try target("http://host/b", from: secure) }
        #expect(try target("https://host/b", from: secure).credentials?.password == "secret")
        #expect(try target("https://other/b", from: secure).credentials == nil)
        #expect(try target("https://host:444/b", from: secure).credentials == nil)
        #expect(try target("https://me:mine@other/b", from: secure).credentials == nil)
        #expect(try target("https://host/b", from: WebAddress("http://host/a")).url == "https://host/b")
    }

    private func target(_ url: String, from address: WebAddress) throws -> WebAddress {
        let request = HTTPRequest(address: address, place: "a", range: nil, limit: 1)
        let answer = HTTPAnswer(
            status: 302,
            fields: ResponseFields(),
            bytes: [],
            retryAfter: 0,
            redirect: url
        )
        return try HTTPClient.target(of: answer, from: request, address)
    }

    @Test("Credentials are shown to their server and in no message") func credentials() async throws {
        try await withServer(script: { number, _ in number == 1 ? .answer(200, [], "a") : .answer(401) }) {
            url,
            client,
            server in
            let secret = url.replacing("http://", with: "http://me:s%2Fcret@") + "/v?sig=tok%2Fen"
            let origin = try HTTPOrigin(url: secret, client: client)
            #expect(try await origin.object("a b/ü", limit: 1)?.text == "a")
            let head = try #require(await server.heads.first)
            #expect(head.hasPrefix("GET /v/a%20b/%C3%BC?sig=tok%2Fen HTTP/1.1\r\n"))
            #expect(head.contains("\r\nAuthorization: Basic bWU6cy9jcmV0\r\n"))
            let error = await failure { () throws(OriginError) in try await origin.object("a", limit: 1) }
            #expect(error == .refused(place: url + "/v/a", status: 401))
            #expect(origin.name == url + "/v")
        }
    }

    @Test(
        "What is no http(s) URL is refused with words that do not repeat it",
        arguments: [
            "", "volume", "/data/volume", "ftp://me:secret@host/", "file:///data", "http://",
            "http://me:secret@/",
            "http://host:99999/", "http://ho st/", "gs://bucket/a", "http://a\0b/",
        ]
    )
    func brokenURLs(_ url: String) {
        do {
            let address = try WebAddress(url)
            Issue.record("\(address)")
        } catch {
            guard case .brokenURL(let reason) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(!reason.contains("secret"))
        }
    }

    @Test("Keys that lead above the path of the URL, or are none, ask for nothing") func brokenKeys()
        async throws
    {
        try await withServer(script: { _, _ in .answer(200) }) { url, client, server in
            let origin = try HTTPOrigin(url: url + "/v", client: client)
            for key in ["../../a", "a//b", ""] {
                let error = await failure { () throws(OriginError) in try await origin.object(key, limit: 1) }
                guard case .brokenKey = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
            #expect(await server.heads.isEmpty)
        }
    }
}
