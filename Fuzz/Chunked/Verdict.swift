// SPDX-License-Identifier: Apache-2.0
import HTTP1

/// What a chunked body comes to.
enum Verdict: Equatable {
    case complete([UInt8], used: Int)
    /// Right so far, with these bytes of the body.
    case incomplete([UInt8])
    case refused

    /// Limits that short inputs reach.
    static let limits: HTTP1Limits = {
        var limits = HTTP1Limits()
        limits.bodyBytes = 200
        limits.chunkLineBytes = 32
        limits.chunkExtensionBytes = 48
        limits.trailerBytes = 64
        limits.trailerCount = 3
        limits.fieldBytes = 40
        return limits
    }()

    /// Reads `bytes` line by line; slow, and plain to see.
    init(reading bytes: [UInt8]) {
        var rest = bytes[...]
        var body: [UInt8] = []
        var total = 0
        var extensions = 0
        while true {
            switch Verdict.line(&rest, limit: Verdict.limits.chunkLineBytes) {
            case .partial:
                self = .incomplete(body)
                return
            case .bad:
                self = .refused
                return
            case .whole(let line):
                let digits = line.prefix { $0 != UInt8(ascii: ";") }
                extensions += line.count - digits.count
                guard let size = Verdict.size(digits), extensions <= Verdict.limits.chunkExtensionBytes,
                    size <= Verdict.limits.bodyBytes - total
                else {
                    self = .refused
                    return
                }
                if size == 0 {
                    self = Verdict.trailers(&rest, body, count: bytes.count)
                    return
                }
                total += size
                body += rest.prefix(size)
                guard rest.count > size else {
                    self = .incomplete(body)
                    return
                }
                rest = rest.dropFirst(size)
                let end = Array(rest.prefix(2))
                rest = rest.dropFirst(2)
                if end == [13] {
                    self = .incomplete(body)
                    return
                }
                guard end == [13, 10] else {
                    self = .refused
                    return
                }
            }
        }
    }

    private enum Line {
        case whole(ArraySlice<UInt8>), partial, bad
    }

    /// Takes a line and its CRLF. Control bytes but tab, a CR or LF alone, and a line over its limit are bad.
    private static func line(_ rest: inout ArraySlice<UInt8>, limit: Int) -> Line {
        for (offset, byte) in rest.enumerated() {
            let isControl = (byte < 0x20 && byte != 9) || byte == 0x7F
            if byte == 13 {
                let line = rest.prefix(offset)
                let after = rest.dropFirst(offset + 1)
                guard let next = after.first else { return .partial }
                guard next == 10 else { return .bad }
                rest = after.dropFirst()
                return .whole(line)
            }
            if isControl || offset >= limit { return .bad }
        }
        return .partial
    }

    private static func size(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...16).contains(digits.count),
            digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 })
        else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 16).flatMap { Int(exactly: $0) }
    }

    private static func trailers(_ rest: inout ArraySlice<UInt8>, _ body: [UInt8], count: Int) -> Verdict {
        var room = limits.trailerBytes
        var lines = 0
        while true {
            switch line(&rest, limit: max(0, min(limits.fieldBytes, room))) {
            case .partial: return .incomplete(body)
            case .bad: return .refused
            case .whole(let line):
                if line.isEmpty { return .complete(body, used: count - rest.count) }
                let name = line.prefix { $0 != UInt8(ascii: ":") }
                lines += 1
                room -= line.count + 2
                guard name.count < line.count, !name.isEmpty, name.allSatisfy(isToken),
                    lines <= limits.trailerCount
                else { return .refused }
            }
        }
    }

    /// RFC 9110 §5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return byte < 0x80
            && (character.isLetter || character.isNumber || "!#$%&'*+-.^_`|~".contains(character))
    }
}
