// SPDX-License-Identifier: Apache-2.0

import HTTP1
import Testing

@Suite("Limits")
struct LimitTests {
    private func limits(_ change: (inout HTTP1Limits) -> Void) -> HTTP1Limits {
        var limits = HTTP1Limits()
        change(&limits)
        return limits
    }

    /// The outcome of a stream, the same whole, byte by byte and cut in the middle.
    private func outcome(_ text: String, _ limits: HTTP1Limits) -> Transcript {
        let bytes = Array(text.utf8)
        let whole = Transcript([bytes[...]], limits: limits)
        #expect(Transcript(bytes.indices.map { bytes[$0...$0] }, limits: limits) == whole)
        let middle = bytes.count / 2
        #expect(Transcript([bytes[..<middle], bytes[middle...]], limits: limits) == whole)
        return whole
    }

    private func get(_ fields: String) -> String { "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }

    private func post(_ body: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)"
    }

    @Test(
        "A target may be as long as its limit, and no longer: 414, whatever stands around it",
        arguments: ["GET", "OPTIONS"],
        ["/", "http://a/"]
    )
    func target(method: String, begin: String) {
        let limits = limits { $0.targetBytes = 30 }
        let fits = begin + String(repeating: "a", count: 30 - begin.utf8.count)
        let rest = " HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(outcome("\(method) \(fits)\(rest)", limits).failure == nil)
        #expect(outcome("\(method) \(fits)a\(rest)", limits).failure == .targetTooLong(limit: 30))
    }

    @Test("A long method is 501, and not a long target")
    func longMethod() {
        let limits = limits { $0.targetBytes = 30 }
        let method = String(repeating: "A", count: 50)
        let failure = outcome("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n", limits).failure
        #expect(failure?.statusHint == 501)
    }

    @Test("An endless method is 501, an endless target 414, without waiting for the line's end")
    func endlessLines() {
        let method = outcome(String(repeating: "A", count: 20_000), HTTP1Limits())
        #expect(method.failure?.statusHint == 501)
        let target = outcome("GET /" + String(repeating: "a", count: 20_000), HTTP1Limits())
        #expect(target.failure == .targetTooLong(limit: 16_384))
    }

    @Test("A request line of 8000 bytes is served")
    func longLineIsServed() {
        let target = "/" + String(repeating: "a", count: 7980)
        #expect(outcome("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1Limits()).failure == nil)
    }

    @Test("A field line over its limit is 431, endless or not")
    func fieldLine() {
        let limits = limits { $0.fieldBytes = 20 }
        #expect(outcome(get("X-A: 456789012345678\r\n"), limits).failure == nil)
        let tooLong = outcome(get("X-A: 4567890123456789012\r\n"), limits)
        #expect(tooLong.failure == .fieldTooLong(limit: 20, .header))
        let endless = outcome("GET / HTTP/1.1\r\nX-A: " + String(repeating: "a", count: 100), limits)
        #expect(endless.failure?.statusHint == 431)
    }

    @Test("A header section over its limit is 431")
    func headBytes() {
        let limits = limits { $0.headBytes = 60 }
        #expect(outcome(get("X-A: 4567890\r\n"), limits).failure == nil)
        let fields = String(repeating: "X-A: 4567890\r\n", count: 10)
        #expect(outcome(get(fields), limits).failure == .sectionTooLarge(limit: 60, .header))
    }

    @Test("As many fields as the limit are served, one more is 431")
    func fieldCount() {
        let most = String(repeating: "A:\r\n", count: 127)
        #expect(outcome(get(most), HTTP1Limits()).failure == nil)
        #expect(outcome(get(most + "A:\r\n"), HTTP1Limits()).failure == .tooManyFields(limit: 128, .header))
    }

    @Test("A declared body over its limit is 413 from the head alone")
    func declaredBody() {
        let limits = limits { $0.bodyBytes = 10 }
        #expect(outcome(get("Content-Length: 10\r\n") + "0123456789", limits).failure == nil)
        let tooLong = outcome(get("Content-Length: 11\r\nExpect: 100-continue\r\n"), limits)
        #expect(
            tooLong.lines == [
                "failed 413 The request body is larger than the limit of 10 bytes; send less at a time."
            ]
        )
    }

    @Test("A chunked body is 413 at the chunk that passes its limit")
    func chunkedBody() {
        let limits = limits { $0.bodyBytes = 10 }
        #expect(outcome(post("5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n"), limits).failure == nil)
        let tooLong = outcome(post("5\r\nhello\r\n6\r\nhello!\r\n0\r\n\r\n"), limits)
        #expect(tooLong.lines.dropFirst().first == "body \"hello\"")
        #expect(tooLong.failure == .bodyTooLarge(limit: 10))
    }

    @Test("CVE-2024-22019, CVE-2023-39326: one chunk extension and the sum of them are limited")
    func chunkExtensions() {
        let long = String(repeating: "e", count: 5000)
        #expect(outcome(post("1;\(long)\r\na\r\n0\r\n\r\n"), HTTP1Limits()).failure?.statusHint == 413)
        let flood = String(repeating: "1;" + String(repeating: "e", count: 100) + "\r\na\r\n", count: 200)
        let failure = outcome(post(flood + "0\r\n\r\n"), HTTP1Limits()).failure
        #expect(failure == .chunkExtensionTooLarge(limit: 16_384))
        let endless = outcome(post("1;" + String(repeating: "e", count: 10_000)), HTTP1Limits())
        #expect(endless.failure?.statusHint == 413)
    }

    @Test("Trailers are limited in bytes and in number: 431")
    func trailers() {
        let many = post("0\r\n" + String(repeating: "A:\r\n", count: 65) + "\r\n")
        #expect(outcome(many, HTTP1Limits()).failure == .tooManyFields(limit: 64, .trailer))
        let line = "A: " + String(repeating: "b", count: 1000) + "\r\n"
        let large = post("0\r\n" + String(repeating: line, count: 9) + "\r\n")
        #expect(outcome(large, HTTP1Limits()).failure == .sectionTooLarge(limit: 8192, .trailer))
        let endless = post("0\r\nA: " + String(repeating: "b", count: 20_000))
        #expect(outcome(endless, HTTP1Limits()).failure?.statusHint == 431)
    }

    @Test("Limits of zero, below zero and beyond reason refuse requests instead of trapping")
    func absurdLimits() {
        for value in [Int.min, -1, 0, Int.max] {
            let limits = limits {
                $0.targetBytes = value
                $0.headBytes = value
                $0.fieldBytes = value
                $0.fieldCount = value
                $0.leadingEmptyLines = value
                $0.bodyBytes = value
                $0.chunkLineBytes = value
                $0.chunkExtensionBytes = value
                $0.trailerBytes = value
                $0.trailerCount = value
            }
            let transcript = outcome("\r\n" + post("5;a\r\nhello\r\n0\r\nA: b\r\n\r\n"), limits)
            #expect((transcript.failure == nil) == (value == Int.max))
        }
    }
}
