// SPDX-License-Identifier: Apache-2.0

import HTTP1
import HTTPTypes
import Testing

@Suite("Answers")
struct AnswerTests {
    private static let date = Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8)

    private func text(
        _ status: HTTPResponse.Status = .ok,
        _ fields: HTTPFields = [:],
        _ framing: AnswerFraming,
        keepAlive: Bool = true,
        minorVersion: Int = 1
    ) -> String {
        var output: [UInt8] = []
        AnswerHead.append(
            to: &output,
            status: status,
            lines: FieldLines(fields),
            framing: framing,
            keepAlive: keepAlive,
            minorVersion: minorVersion,
            date: Self.date
        )
        return String(decoding: output, as: UTF8.self)
    }

    private func head(_ method: HTTPRequest.Method, minorVersion: Int = 1) -> RequestHead {
        RequestHead(
            method: method,
            target: RequestTarget(form: .origin, path: "/", query: nil),
            minorVersion: minorVersion,
            fields: [:],
            host: "a",
            framing: .none,
            expectsContinue: false,
            keepAlive: true
        )
    }

    @Test("A head has status, the service's fields, a date and a length")
    func ok() throws {
        #expect(
            text(.ok, [.contentType: "text/plain", .server: "p"], .length(1234567890))
                == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: p\r\n"
                + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 1234567890\r\n\r\n"
        )
    }

    @Test("Length and chunked exclude each other, and the service's own ones are left out")
    func ownedFields() throws {
        let fields: HTTPFields = [
            .contentLength: "7", .transferEncoding: "chunked", .connection: "keep-alive", .date: "never",
        ]
        #expect(text(.ok, fields, .length(0)).hasSuffix("GMT\r\nContent-Length: 0\r\n\r\n"))
        let chunked = text(.ok, fields, .chunked)
        #expect(chunked.hasSuffix("GMT\r\nTransfer-Encoding: chunked\r\n\r\n"))
        #expect(!chunked.contains("Content-Length") && !chunked.contains("never"))
        #expect(text(.noContent, fields, .bodiless).hasSuffix("GMT\r\n\r\n"))
    }

    @Test("A close is announced; persistence only to HTTP/1.0")
    func connection() throws {
        #expect(text(.length(0), keepAlive: false).contains("\r\nConnection: close\r\n"))
        #expect(text(.length(0), keepAlive: false, minorVersion: 0).contains("\r\nConnection: close\r\n"))
        #expect(!text(.length(0)).contains("Connection"))
        #expect(text(.length(0), minorVersion: 0).contains("\r\nConnection: keep-alive\r\n"))
    }

    private func text(
        _ framing: AnswerFraming,
        keepAlive: Bool = true,
        minorVersion: Int = 1
    ) -> String {
        text(.ok, [:], framing, keepAlive: keepAlive, minorVersion: minorVersion)
    }

    @Test("A value cannot split an answer: CR, LF and NUL never reach the wire (CVE-2022-3215)")
    func responseSplitting() throws {
        let name = try #require(HTTPField.Name("X-A"))
        for bad in ["a\r\nB: c", "a\nb", "a\rb", "a\0b"] {
            var fields = HTTPFields()
            fields.append(HTTPField(name: name, value: bad))
            fields.append(HTTPField(name: name, lenientValue: Array(bad.utf8)))
            let output = text(.ok, fields, .length(0))
            #expect(output.components(of: "\r\n") == 6)
            #expect(!output.contains("\0"))
        }
        let status = HTTPResponse.Status(code: 200, reasonPhrase: "OK\r\nA: b")
        let output = text(status, [:], .length(0))
        #expect(!output.contains("\r\nA: b"))
    }

    @Test("Lines keep their order, and line ends in a value become spaces")
    func fieldLines() {
        var lines: FieldLines = [.contentType: "text/plain"]
        lines.append("X-A", "a\r\nB: c\0")
        lines.append([.server: "p", .contentLength: "7"])
        #expect(
            String(decoding: lines.bytes, as: UTF8.self)
                == "Content-Type: text/plain\r\nX-A: a  B: c \r\nServer: p\r\n"
        )
    }

    @Test("Connection: close is a wish, which lines take over from others")
    func wishToClose() {
        var lines: FieldLines = [.server: "p", .connection: "keep-alive"]
        #expect(!lines.asksToClose)
        lines.append([.connection: "Close"])
        #expect(lines.asksToClose)
        #expect(String(decoding: lines.bytes, as: UTF8.self) == "Server: p\r\n")
    }

    @Test(
        "An error has a status with its reason",
        arguments: [
            ProtocolError.missingHost, .headTooSlow(limit: .zero), .bodyTooLarge(limit: 1), .stopping,
            .targetTooLong(limit: 1), .unknownExpectation("a"), .tooManyFields(limit: 1, .header),
            .unknownMethod("A"), .unsupportedVersion("A"), .bodyTooSlow(.rate(limit: 1)),
        ]
    )
    func errorStatus(_ error: ProtocolError) {
        #expect(error.status.code == error.statusHint)
        #expect(!error.status.reasonPhrase.isEmpty)
    }

    @Test("204, 304 and 1xx have no body and no length")
    func bodiless() {
        for code in [100, 101, 204, 304] {
            let status = HTTPResponse.Status(code: code)
            #expect(AnswerFraming(to: head(.get), status: status, length: 5) == .bodiless)
        }
    }

    @Test("HEAD has the length of GET and no body")
    func headMethod() {
        #expect(AnswerFraming(to: head(.head), status: .ok, length: 5) == .lengthOnly(5))
        #expect(AnswerFraming(to: head(.head), status: .ok, length: nil) == .bodiless)
        #expect(!AnswerFraming.lengthOnly(5).sendsBody)
    }

    @Test("An unknown length is chunked, to HTTP/1.0 delimited by the close")
    func unknownLength() {
        #expect(AnswerFraming(to: head(.get), status: .ok, length: nil) == .chunked)
        #expect(AnswerFraming(to: head(.get, minorVersion: 0), status: .ok, length: nil) == .untilClose)
        #expect(AnswerFraming(to: head(.get, minorVersion: 0), status: .ok, length: 5) == .length(5))
    }

    @Test(
        "A chunk's size is hexadecimal without zeros in front",
        arguments: [
            (1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (0xABCDE, "abcde\r\n"),
            (Int.max, "7fffffffffffffff\r\n"),
        ]
    )
    func chunkSize(_ count: Int, _ expected: String) {
        var output: [UInt8] = []
        AnswerHead.appendChunkSize(count, to: &output)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    @Test(
        "A date is written in the form of RFC 9110",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (-5, "Thu, 01 Jan 1970 00:00:00 GMT"), (Int.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ]
    )
    func date(_ seconds: Int, _ expected: String) {
        #expect(String(decoding: HTTPDate.bytes(unixSeconds: seconds), as: UTF8.self) == expected)
    }
}

extension String {
    /// How many lines end in `separator`.
    fileprivate func components(of separator: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
