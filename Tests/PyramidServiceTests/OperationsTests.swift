// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPTypes
import Logging
import PyramidService
import Testing

@Test("Prometheus text has a help, a type and escaped labels")
func prometheusText() {
    var text = PrometheusText()
    text.family("a_total", .counter, "Some.")
    text.sample("a_total", [("x", "a\"b\\c\nd"), ("y", "z")], 3)
    text.gauge("b", "More.", 7)
    #expect(
        text.text == """
            # HELP a_total Some.
            # TYPE a_total counter
            a_total{x="a\\"b\\\\c\\nd",y="z"} 3
            # HELP b More.
            # TYPE b gauge
            b 7

            """
    )
}

@Test("A histogram counts up to each bound, and everything at the end")
func histograms() {
    var histogram = Histogram([0.5, 1, 1_024])
    for value in [0.25, 0.5, 0.75, 1_000, 5_000] { histogram.observe(value) }
    var text = PrometheusText()
    text.histogram("h", [("route", "/x")], histogram)
    #expect(
        text.text == """
            h_bucket{route="/x",le="0.5"} 2
            h_bucket{route="/x",le="1"} 3
            h_bucket{route="/x",le="1024"} 4
            h_bucket{route="/x",le="+Inf"} 5
            h_sum{route="/x"} 6001.5
            h_count{route="/x"} 5

            """
    )
}

@Test("A text line has one line, whatever is in it")
func textLines() {
    let line = LineLogHandler.text("T", .info, "a\nb", [("k", "v w\r\n\u{1b}[0m"), ("n", "1"), ("e", "")])
    #expect(String(decoding: line, as: UTF8.self) == "T info a\\nb k=\"v w\\u{d}\\n\\u{1b}[0m\" n=1 e=\"\"\n")
}

@Test("A JSON line is one JSON object in one line")
func jsonLines() throws {
    let line = LineLogHandler.json("T", .warning, "a\nb\"", [("k", "\u{0}\u{7f}é")])
    #expect(line.last == UInt8(ascii: "\n") && !line.dropLast().contains(UInt8(ascii: "\n")))
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: String])
    #expect(object == ["time": "T", "level": "warning", "message": "a\nb\"", "k": "\u{0}\u{7f}é"])
}

private func tokenFile(_ text: String) throws -> String {
    let url = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString)")
    try Data(text.utf8).write(to: url)
    return url.path()
}

private let silent = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
private let reader = "reader-0123456789abcdef"
private let writer = "writer-0123456789abcdef"

@Test("A token passes with its scope, and writing includes reading")
func tokens() throws {
    let path = try tokenFile("# ours\n\(reader) read\n\n  \(writer)\twrite # a comment\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let tokens = try AccessTokens(path: path, logger: silent)
    func status(
        _ scope: AccessScope,
        _ value: String?,
        _ method: HTTPRequest.Method = .get,
        query: String? = nil
    ) -> Int {
        do throws(ServiceError) {
            try tokens.check(
                scope,
                method: method,
                fields: value.map { [.authorization: $0] } ?? [:],
                query: query
            )
            return 200
        } catch {
            return error.status.code
        }
    }
    #expect(status(.read, "Bearer \(reader)") == 200)
    #expect(status(.read, "bearer  \(writer) ") == 200)
    #expect(status(.write, "Bearer \(writer)", .post) == 200)
    #expect(status(.write, "Bearer \(reader)", .post) == 403)
    #expect(status(.read, "Bearer \(reader)x") == 401)
    #expect(status(.read, "Bearer \(reader.dropLast())") == 401)
    #expect(status(.read, "Basic \(reader)") == 401)
    #expect(status(.read, nil) == 401)
    #expect(status(.read, nil, query: "access_token=\(reader)") == 200)
    #expect(status(.write, nil, .post, query: "access_token=\(writer)") == 401)
    #expect(status(.read, "Bearer ") == 401)
}

@Test("Tokens are read again, and stay when the file has become wrong")
func tokensReloaded() throws {
    let path = try tokenFile("\(reader) read\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let tokens = try AccessTokens(path: path, logger: silent)
    func passes(_ token: String) -> Bool {
        (try? tokens.check(.read, method: .get, fields: [.authorization: "Bearer \(token)"], query: nil))
            != nil
    }
    try Data("\(writer) write\n".utf8).write(to: URL(filePath: path))
    try tokens.reload()
    #expect(passes(writer) && !passes(reader))
    try Data("\(reader) owner\n".utf8).write(to: URL(filePath: path))
    #expect(throws: SmallFile.Failure.self) { try tokens.reload() }
    #expect(passes(writer) && !passes(reader))
}

@Test(
    "A wrong line of tokens is named",
    arguments: [
        "0123456789abcdef0 admin", "0123456789abcdef0", "a b c", "t\u{e9}ken read", "#a read b\nb # read",
        String(repeating: "a", count: 513) + " read",
    ]
)
func wrongTokens(line: String) throws {
    let path = try tokenFile("\(reader) read\n\(line)\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: SmallFile.Failure.self) { try AccessTokens(path: path, logger: silent) }
    #expect(error?.path == "\(path):\(line.hasPrefix("#") ? 3 : 2)")
}

@Test(
    "A token has 1 to 512 printable characters, a number sign among them",
    arguments: ["", "#", "a#b", "~!\"'", String(repeating: "a", count: 511)]
)
func tokenCharacters(token: String) throws {
    let path = try tokenFile("x\(token) read#er\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let tokens = try AccessTokens(path: path, logger: silent)
    let fields: HTTPFields = [.authorization: "Bearer x\(token)"]
    #expect(throws: Never.self) { try tokens.check(.read, method: .get, fields: fields, query: nil) }
}

@Test("A file of tokens that is not there stops the start")
func missingTokens() {
    #expect(throws: SmallFile.Failure.self) { try AccessTokens(path: "/nonexistent/tokens", logger: silent) }
}

@Test("The machine has memory and a core")
func machine() {
    #expect(Machine.memoryByteCount > 1 << 24)
    #expect(Machine.coreCount >= 1)
}
