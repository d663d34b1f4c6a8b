// SPDX-License-Identifier: Apache-2.0

/// The fields of an answer that mean something here; of a field that comes twice the last.
struct ResponseFields: Hashable, Sendable {
    var contentLength: Int?
    var contentEncoding: String?
    var contentRange: String?
    var entityTag: String?
    var lastModified: String?
}

/// Takes the head of an answer line by line, as libcurl hands it over, interim answers (1xx) and trailers included.
struct ResponseHead {
    /// More than any head that means well has; libcurl bounds a line, but not their number.
    static let byteLimit = 256 << 10
    /// A longer value of a field is of no use here.
    static let valueLimit = 1024

    private(set) var status = 0
    private(set) var fields = ResponseFields()
    /// Whether the empty line of a final answer has come.
    private(set) var isComplete = false
    private var bytes = 0

    /// Takes a line with its line end; trailers are left aside.
    /// - Returns: Whether the head is not too long.
    mutating func received(_ line: Span<UInt8>) -> Bool {
        bytes += line.count
        guard bytes <= Self.byteLimit else { return false }
        guard !isComplete else { return true }
        let text = Self.text(line, from: 0, to: line.count)
        if text.hasPrefix("HTTP/") {
            status = Self.status(text)
            fields = ResponseFields()
        } else if text.isEmpty {
            isComplete = status >= 200
        } else if let colon = Self.index(of: UInt8(ascii: ":"), in: line), colon <= 32,
            line.count - colon <= Self.valueLimit
        {
            take(
                Self.text(line, from: 0, to: colon).lowercased(),
                Self.text(line, from: colon + 1, to: line.count)
            )
        }
        return true
    }

    private mutating func take(_ name: String, _ value: String) {
        switch name {
        case "content-length": fields.contentLength = decimal(value[...])
        case "content-encoding": fields.contentEncoding = value
        case "content-range": fields.contentRange = value
        case "etag": fields.entityTag = value
        case "last-modified": fields.lastModified = value
        default: break
        }
    }

    /// `HTTP/1.1 200 OK`, `HTTP/2 200`; 0 for anything else.
    private static func status(_ line: String) -> Int {
        let parts = line.split(separator: " ", maxSplits: 2)
        return parts.count > 1 && parts[1].utf8.count == 3 ? decimal(parts[1]) ?? 0 : 0
    }

    private static func index(of byte: UInt8, in line: Span<UInt8>) -> Int? {
        for index in line.indices where line[index] == byte { return index }
        return nil
    }

    /// The bytes without white space around them.
    private static func text(_ line: Span<UInt8>, from start: Int, to end: Int) -> String {
        var start = start
        var end = end
        while start < end, isSpace(line[start]) { start += 1 }
        while start < end, isSpace(line[end - 1]) { end -= 1 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(end - start)
        for index in start..<end { bytes.append(line[index]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 || byte == 10 }
}

/// What a `Content-Range` says: `bytes 0-9/100`, `bytes 0-9/*`, `bytes */100` (RFC 9110 §14.4).
struct ContentRange: Hashable {
    /// nil: the range could not be satisfied.
    let range: Range<Int>?
    /// How many bytes the whole object has, if the server says so.
    let total: Int?

    /// nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
        let sides = parts[1].split(separator: "/", omittingEmptySubsequences: false)
        guard sides.count == 2 else { return nil }
        if sides[1] == "*" {
            total = nil
        } else {
            guard let number = decimal(sides[1]) else { return nil }
            total = number
        }
        if sides[0] == "*" {
            range = nil
            return
        }
        let ends = sides[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = decimal(ends[0]), let last = decimal(ends[1]),
            first <= last, last < .max, total.map({ last < $0 }) ?? true
        else { return nil }
        range = first..<(last + 1)
    }
}

/// A number of decimal digits alone; `nil` for a sign, for none, and for one that does not fit.
private func decimal(_ digits: Substring) -> Int? {
    guard digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return Int(digits)
}
