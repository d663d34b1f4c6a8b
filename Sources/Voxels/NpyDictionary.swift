// SPDX-License-Identifier: Apache-2.0

/// The dictionary of a `.npy` header: the small part of Python's literals that numpy writes.
///
///     dictionary = "{" [ pair *( "," pair ) [ "," ] ] "}"      ; white space between any two tokens
///     pair       = "'descr'" ":" string / "'fortran_order'" ":" bool / "'shape'" ":" tuple
///     string     = "'" *char "'" / DQUOTE *char DQUOTE         ; printable ASCII, no backslash
///     bool       = "True" / "False"
///     tuple      = "(" [ int "," [ int *( "," int ) [ "," ] ] ] ")"
///     int        = ( "0" / nonzero *DIGIT ) [ "L" ]            ; "L" from Python 2
///
/// Keys come in any order, each at most once. Only white space follows.
struct NpyDictionary {
    private(set) var descr: String?
    private(set) var isFortran: Bool?
    private(set) var sizes: [Int]?

    private let bytes: [UInt8]
    private var position: Int

    init(bytes: [UInt8], from start: Int) {
        self.bytes = bytes
        position = start
    }

    mutating func parse() throws(NpyError) {
        try expect("{")
        while !accept("}") {
            try pair()
            guard accept(",") else {
                try expect("}")
                break
            }
        }
        skipSpace()
        guard position == bytes.count else { throw malformed("nothing but spaces behind '}'") }
    }

    private mutating func pair() throws(NpyError) {
        let key = try string("a quoted key or '}'")
        try expect(":")
        switch key {
        case "descr":
            guard descr == nil else { throw .repeatedKey(key) }
            skipSpace()
            guard peek() != UInt8(ascii: "[") else { throw .structuredType }
            descr = try string("a quoted type such as '<u2'")
        case "fortran_order":
            guard isFortran == nil else { throw .repeatedKey(key) }
            isFortran = try bool()
        case "shape":
            guard sizes == nil else { throw .repeatedKey(key) }
            sizes = try tuple()
        default:
            throw .unknownKey(key)
        }
    }

    private mutating func tuple() throws(NpyError) -> [Int] {
        try expect("(")
        var entries: [Int] = []
        while !accept(")") {
            // One entry too many is enough to refuse the shape; a header of 64 KiB could have thousands.
            guard entries.count <= Shape.maxAxes else { throw .badShape(.axisCount(entries.count)) }
            entries.append(try int())
            if accept(",") { continue }
            guard entries.count > 1 else { throw malformed("',': a tuple of one is written '(3,)'") }
            try expect(")")
            break
        }
        return entries
    }

    private mutating func int() throws(NpyError) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            guard position == start || value > 0 else { throw malformed("a number without leading zeros") }
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw malformed("a whole number up to \(Int.max)") }
            value = sum
            position += 1
        }
        guard position > start else { throw malformed("a whole number, 0 or more") }
        if peek() == UInt8(ascii: "L") { position += 1 }
        return value
    }

    private mutating func bool() throws(NpyError) -> Bool {
        skipSpace()
        for (word, value) in [("True", true), ("False", false)] {
            if bytes[position...].starts(with: word.utf8) {
                position += word.utf8.count
                return value
            }
        }
        throw malformed("True or False")
    }

    private mutating func string(_ what: String) throws(NpyError) -> String {
        skipSpace()
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw malformed(what)
        }
        position += 1
        var text = ""
        while let byte = peek(), byte != quote {
            // Such names are repeated in messages: they stay short and printable.
            guard (0x20...0x7E).contains(byte), byte != UInt8(ascii: "\\"), text.utf8.count < 64 else {
                throw malformed("a string of at most 64 printable ASCII characters")
            }
            text.unicodeScalars.append(Unicode.Scalar(byte))
            position += 1
        }
        guard peek() == quote else { throw malformed("a closing quote") }
        position += 1
        return text
    }

    private mutating func expect(_ token: Unicode.Scalar) throws(NpyError) {
        guard accept(token) else { throw malformed("'\(token)'") }
    }

    private mutating func accept(_ token: Unicode.Scalar) -> Bool {
        skipSpace()
        guard peek() == UInt8(ascii: token) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private func malformed(_ expected: String) -> NpyError {
        .malformed(expected: expected, offset: position)
    }
}
