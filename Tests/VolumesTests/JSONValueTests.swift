// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Volumes

@Suite struct JSONValueTests {
    static func read(_ text: String) throws(InfoError) -> JSONValue {
        try JSONValue(parsing: Array(text.utf8), limit: 1 << 20)
    }

    @Test(
        "What is read is written again with sorted members and whole numbers as such",
        arguments: [
            ("null", "null"), (" true ", "true"), ("[]", "[]"), ("{}", "{}"), ("-0", "0"), ("-0.0", "0"),
            ("203.0", "203"), ("2e2", "200"), ("8.5", "8.5"), ("1e-7", "1e-07"), ("0.1", "0.1"),
            ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551615", "1.8446744073709552e+19"), ("1e300", "1e+300"), ("1e-999", "0"),
            ("{\"b\":1,\"a\":[1,{\"c\":null}]}", "{\"a\":[1,{\"c\":null}],\"b\":1}"),
            (
                "\"a/b\\/c \\u00e9 \\ud83d\\ude00 \\\" \\\\ \\u0000 \\n\"",
                "\"a/b/c é 😀 \\\" \\\\ \\u0000 \\u000a\""
            ),
            ("\u{FEFF}1", "1"), ("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":1,\"b\":2}"),
            ("[\",]\", \"\\\",}\"]", "[\",]\",\"\\\",}\"]"),
        ]
    )
    func roundTrip(text: String, written: String) throws {
        let value = try Self.read(text)
        #expect(String(decoding: value.encoded(), as: UTF8.self) == written)
        #expect(try JSONValue(parsing: value.encoded(), limit: 1000) == value)
    }

    @Test(
        "What is not JSON is refused in words",
        arguments: [
            ("", "grammar"), ("tru", "grammar"), ("NaN", "grammar"), ("Infinity", "grammar"),
            ("'a'", "grammar"),
            ("{a:1}", "grammar"), ("[1] 2", "grammar"), ("{\"a\":1 /* */}", "grammar"),
            ("\"a\tb\"", "grammar"),
            ("1e400", "cannot be held"), ("[-1e400]", "`[0]`"), ("{\"a\":[{\"b\":1e999}]}", "`a[0].b`"),
            ("\"\\ud800\"", "grammar"), ("\"\\udc00\"", "grammar"), ("{\"\\ud800\":1}", "not JSON"),
            ("[01]", "cannot be held"), ("[", "ends inside an array or object"),
            ("[\"abc", "ends inside a text"),
            ("]", "nothing is open"), ("1\0", "UTF-8"), ("[}", "grammar"), ("{\"a\" 1}", "grammar"),
            ("[1,]", "byte 3 something must follow the comma"), ("{\"a\":1 ,\n }", "must follow the comma"),
            ("[[],]", "must follow the comma"), ("[,]", "must follow the comma"), ("[,1]", "grammar"),
        ]
    )
    func refused(text: String, word: String) {
        let error = #expect(throws: InfoError.self) { try Self.read(text) }
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    }

    @Test("Text in other encodings is refused, and so is broken UTF-8")
    func encodings() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0xFF, 0xFE, 0x31, 0x00], [0x00, 0x31], [0x22, 0xED, 0xA0, 0x80, 0x22],
        ] {
            #expect(throws: InfoError.notJSON("it is not UTF-8 text")) {
                try JSONValue(parsing: bytes, limit: 100)
            }
        }
    }

    @Test(
        "Brackets may lie in each other as deep as the limit, and not by one more, nor by a hundred thousand"
    )
    func depth() throws {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: UInt8(ascii: "["), count: depth)
                + [UInt8](repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(
            try JSONValue(parsing: nested(JSONValue.maxDepth), limit: 1000).encoded()
                == nested(JSONValue.maxDepth)
        )
        for depth in [JSONValue.maxDepth + 1, 100_000] {
            let error = #expect(throws: InfoError.self) {
                try JSONValue(parsing: nested(depth), limit: 1 << 20)
            }
            #expect(error?.message.contains("lie in each other") == true)
        }
    }

    @Test("Brackets inside texts do not count")
    func bracketsInTexts() throws {
        let text = String(repeating: "[{\\\"\\\\", count: 100)
        #expect(try Self.read("[\"\(text)\"]") == .array([.string(String(repeating: "[{\"\\", count: 100))]))
    }

    @Test("More bytes than the limit are not read")
    func limit() {
        #expect(throws: InfoError.tooLong(byteCount: 3, limit: 2)) {
            try JSONValue(parsing: [0x31, 0x31, 0x31], limit: 2)
        }
    }

    @Test("An excerpt is short, printable and tells what was left out")
    func excerpts() {
        #expect(JSONValue.array([.integer(1), .string("\u{7F}é")]).excerpt == "[1,\"\\u{7F}\\u{00E9}\"]")
        let long = JSONValue.string(String(repeating: "x", count: 1000)).excerpt
        #expect(long.utf8.count == 60 && long.hasPrefix("\"xxx") && long.hasSuffix("..."))
    }
}
