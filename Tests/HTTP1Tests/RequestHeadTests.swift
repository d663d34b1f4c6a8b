// SPDX-License-Identifier: Apache-2.0

import HTTP1
import HTTPTypes
import Testing

@Suite("Request heads")
struct RequestHeadTests {
    private func head(_ text: String) throws -> RequestHead {
        var parser = RequestParser()
        let bytes = Array(text.utf8)
        var position = 0
        let event = bytes.withUnsafeBytes { parser.next(in: $0, at: &position) }
        guard case .head(let head) = event else {
            Issue.record("no head but \(event)")
            throw ProtocolError.missingHost
        }
        return head
    }

    @Test(
        "A path is split at / first and then decoded once",
        arguments: [
            ("/", []), ("/a", ["a"]), ("/a/", ["a", ""]), ("//a", ["", "a"]), ("/a%20b/c", ["a b", "c"]),
            ("/%2541", ["%41"]), ("/%c3%a9/%E2%82%AC", ["é", "€"]), ("/a+b", ["a+b"]), ("/a?b/c", ["a"]),
        ] as [(String, [String])]
    )
    func segments(_ target: String, _ expected: [String]) throws {
        let head = try head("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(head.target.segments == expected)
    }

    @Test("The query is handed on as it came")
    func query() throws {
        #expect(try head("GET /a?b=%41+c&&d HTTP/1.1\r\nHost: a\r\n\r\n").target.query == "b=%41+c&&d")
        #expect(try head("GET /a? HTTP/1.1\r\nHost: a\r\n\r\n").target.query == "")
        #expect(try head("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").target.query == nil)
    }

    @Test("Fields are found in any case, in order, with their white space taken off")
    func fields() throws {
        let text = "GET / HTTP/1.1\r\nHOST: a\r\nx-B: 1 \r\nACCEPT:*/*\r\nX-b:\t2\r\nCookie: a=b\r\n\r\n"
        let fields = try head(text).fields
        #expect(fields[.accept] == "*/*")
        #expect(fields[.cookie] == "a=b")
        let name = try #require(HTTPField.Name("X-B"))
        #expect(fields[values: name] == ["1", "2"])
        #expect(fields.count == 5)
    }

    @Test(
        "A common field has its own name",
        arguments: [
            "Host", "Range", "Accept", "Origin", "Expect", "Cookie", "Referer", "If-Match", "User-Agent",
            "Connection", "Content-Type", "If-None-Match", "Authorization", "Cache-Control",
            "Accept-Encoding",
            "Accept-Language", "Content-Encoding", "Prefer", "If-Modified-Since", "Traceparent",
        ]
    )
    func commonNames(_ name: String) throws {
        let value = name == "Expect" ? "100-continue" : "a"
        let host = name == "Host" ? "" : "Host: a\r\n"
        let fields = try head("GET / HTTP/1.1\r\n\(host)\(name.uppercased()): \(value)\r\n\r\n").fields
        let last = try #require(fields.last)
        #expect(last.name.canonicalName == name.lowercased())
        #expect(last.value == value)
    }

    @Test("Every byte is a token character, a path character or neither, as the RFCs say")
    func byteClasses() {
        let alphanumerics = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)
        let token = alphanumerics.union("!#$%&'*+-.^_`|~".utf8)
        let path = alphanumerics.union("-._~!$&'()*+,;=:@/".utf8)
        for byte in UInt8.min...UInt8.max {
            let name = Array("GET / HTTP/1.1\r\nHost: a\r\nx".utf8) + [byte] + Array("y: b\r\n\r\n".utf8)
            #expect(
                (Transcript([name[...]]).failure == nil)
                    == (token.contains(byte) || byte == UInt8(ascii: ":"))
            )
            let target = Array("GET /x".utf8) + [byte] + Array("y HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            #expect(
                (Transcript([target[...]]).failure == nil)
                    == (path.contains(byte) || byte == UInt8(ascii: "?"))
            )
            let value =
                Array("GET / HTTP/1.1\r\nHost: a\r\nx: 0123456".utf8) + [byte] + Array("7\r\n\r\n".utf8)
            let isVisible = (byte >= 0x20 && byte != 0x7F) || byte == 0x09
            #expect((Transcript([value[...]]).failure == nil) == isVisible)
        }
    }

    @Test("A message about input shows only printable characters of it, and not many")
    func quoting() {
        let bytes = Array(
            "GET / HTTP/1.1\r\nHost: \u{e9}\t\(String(repeating: "x", count: 500))\r\n\r\n".utf8
        )
        let detail = Transcript([bytes[...]]).failure?.detail ?? ""
        #expect(detail.contains("\"???xxx"))
        #expect(detail.utf8.count < 200)
    }

    @Test("A parser that has failed stays so")
    func failedStaysFailed() {
        var parser = RequestParser()
        let bad: [UInt8] = Array("GET\r\n".utf8)
        let good: [UInt8] = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        for bytes in [bad, good] {
            var position = 0
            let event = bytes.withUnsafeBytes { parser.next(in: $0, at: &position) }
            guard case .failed = event else {
                Issue.record("got \(event)")
                return
            }
        }
    }
}
