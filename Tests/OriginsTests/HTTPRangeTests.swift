// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Origins

struct HTTPRangeTests {
    @Test("A range is asked for as it is stored, and is exactly its bytes") func partial() async throws {
        try await withServer(script: { _, _ in .answer(206, ["Content-Range: bytes 3-5/10"], "345") }) {
            url,
            client,
            server in
            let origin = try HTTPOrigin(url: url, client: client)
            #expect(try await origin.range("shard", 3..<6)?.text == "345")
            let head = try #require(await server.heads.first)
            #expect(head.contains("\r\nRange: bytes=3-5\r\n"))
            #expect(head.contains("\r\nAccept-Encoding: identity\r\n"))
        }
    }

    @Test("A total that is not known is fine") func unknownTotal() async throws {
        try await withServer(script: { _, _ in .answer(206, ["Content-Range: bytes 3-5/*"], "345") }) {
            url,
            client,
            _ in
            let origin = try HTTPOrigin(url: url, client: client)
            #expect(try await origin.range("shard", 3..<6)?.text == "345")
        }
    }

    @Test("All of a small object in place of a range is cut") func whole() async throws {
        try await withServer(
            limits: { $0.wholeObjectLimit = 10 },
            script: { number, _ in
                .answer(200, [], number == 1 ? "0123456789" : "0123456789a")
            }
        ) { url, client, _ in
            let origin = try HTTPOrigin(url: url, client: client)
            #expect(try await origin.range("shard", 3..<6)?.text == "345")
            #expect(await range(url, client, 3..<6) == .tooLarge(place: url + "/shard", limit: 10))
        }
    }

    @Test(
        "A partial answer that is not what was asked for is broken",
        arguments: [
            ("Content-Range: bytes 3-6/10", "3456"), ("Content-Range: bytes 2-4/10", "234"),
            ("Content-Range: bytes 3-5/10", "34"), ("Content-Range: bytes 3-5/10", "3456"),
            ("Content-Range: bytes 3-4/10", "34"), ("X: y", "345"), ("Content-Range: bytes */10", "345"),
            ("Content-Range: lines 3-5/10", "345"), ("Content-Range: bytes 3-5/5", "345"),
            ("Content-Range: bytes 3-99999999999999999999/10", "345"),
        ]
    )
    func broken(_ field: String, _ body: String) async throws {
        try await withServer(script: { _, _ in .answer(206, [field], body) }) { url, client, _ in
            let error = await range(url, client, 3..<6)
            guard case .brokenAnswer = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("A range beyond the end is an error in every form a server gives it") func beyond() async throws {
        try await withServer(script: { number, _ in
            switch number {
            case 1: .answer(416, ["Content-Range: bytes */5"])
            case 2: .answer(206, ["Content-Range: bytes 3-4/5"], "34")
            default: .answer(200, [], "01234")
            }
        }) { url, client, _ in
            for _ in 0..<3 {
                let error = await range(url, client, 3..<6)
                #expect(error == .tooShort(place: url + "/shard", wanted: 3..<6, bytes: 5))
            }
        }
    }

    @Test("A packed range is broken", arguments: [200, 206]) func packed(_ status: Int) async throws {
        try await withServer(script: { _, _ in
            .answer(status, ["Content-Range: bytes 0-2/3", "Content-Encoding: gzip"], "abc")
        }) { url, client, _ in
            guard case .brokenAnswer = await range(url, client, 0..<3) else {
                Issue.record()
                return
            }
        }
    }

    private func range(_ url: String, _ client: HTTPClient, _ range: Range<Int>) async -> OriginError? {
        await failure { () throws(OriginError) in
            try await HTTPOrigin(url: url, client: client).range("shard", range)
        }
    }
}
