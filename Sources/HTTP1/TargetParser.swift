// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Reads a request target by RFC 9112 §3.2 and RFC 3986, strictly.
///
/// Refused, though some servers take them: a fragment, bytes outside RFC 3986, `.` and `..` segments (encoded
/// ones too), an encoded slash, backslash or control character, UTF-8 that is not shortest form, user
/// information, schemes other than http and https.
enum TargetParser {
    /// The target, and the host and port of an absolute-form target, which win over `Host`.
    typealias Result = (target: RequestTarget, authority: String?)

    static func parse(
        _ bytes: UnsafeRawBufferPointer,
        method: HTTPRequest.Method
    ) throws(ProtocolError) -> Result {
        guard let first = bytes.first else { throw .malformedTarget("The target is empty; send a path.") }
        if first == UInt8(ascii: "/") {
            return (try pathAndQuery(bytes, form: .origin), nil)
        }
        if bytes.count == 1, first == UInt8(ascii: "*") {
            guard method == .options else {
                throw .malformedTarget("The target * goes with OPTIONS alone; send a path.")
            }
            return (RequestTarget(form: .asterisk, path: "*", query: nil), nil)
        }
        return try absolute(bytes, method: method)
    }

    private static func absolute(
        _ bytes: UnsafeRawBufferPointer,
        method: HTTPRequest.Method
    ) throws(ProtocolError) -> Result {
        let start: Int
        if bytes.count > 7, bytes.slice(0..<7).equalsIgnoringCase("http://") {
            start = 7
        } else if bytes.count > 8, bytes.slice(0..<8).equalsIgnoringCase("https://") {
            start = 8
        } else {
            throw .malformedTarget(
                "The target \(ProtocolError.quoted(bytes)) is neither a path nor an http URL; begin it with /."
            )
        }
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") { end += 1 }
        let authority = bytes.slice(start..<end)
        guard HostAuthority.isValid(authority) else { throw .malformedHost(ProtocolError.quoted(authority)) }
        let host = String(decoding: authority, as: UTF8.self)
        if end == bytes.count, method == .options {
            return (RequestTarget(form: .asterisk, path: "*", query: nil), host)
        }
        return (try pathAndQuery(bytes.dropping(end), form: .absolute), host)
    }

    /// `bytes` begins with `/`, or in absolute-form with `?` or not at all: then the path is `/`.
    private static func pathAndQuery(
        _ bytes: UnsafeRawBufferPointer,
        form: RequestTarget.Form
    ) throws(ProtocolError) -> RequestTarget {
        var index = 0
        var hasEscape = false
        var hasDot = false
        while index < bytes.count, bytes[index] != UInt8(ascii: "?") {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                hasEscape = true
            } else if byte == UInt8(ascii: ".") {
                hasDot = true
            } else if byte != UInt8(ascii: "/"), !ByteSet.pathCharacter.contains(byte) {
                throw badByte(byte, in: "path")
            }
            index += 1
        }
        let path = bytes.slice(0..<index)
        if hasEscape || hasDot { try checkSegments(path) }
        let pathText = path.isEmpty ? "/" : String(decoding: path, as: UTF8.self)
        guard index < bytes.count else { return RequestTarget(form: form, path: pathText, query: nil) }
        let query = bytes.dropping(index + 1)
        for byte in query {
            let allowed =
                ByteSet.pathCharacter.contains(byte) || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?")
                || byte == UInt8(ascii: "%")
            guard allowed else { throw badByte(byte, in: "query") }
        }
        return RequestTarget(form: form, path: pathText, query: String(decoding: query, as: UTF8.self))
    }

    private static func badByte(_ byte: UInt8, in part: String) -> ProtocolError {
        let name =
            byte > 0x20 && byte < 0x7F ? "character \(Unicode.Scalar(byte))" : "byte \(byte)"
        return .malformedTarget("The \(name) may not stand in the \(part); percent-encode it.")
    }

    private static func checkSegments(_ path: UnsafeRawBufferPointer) throws(ProtocolError) {
        var segment: [UInt8] = []
        var index = 1
        while index <= path.count {
            guard index < path.count, path[index] != UInt8(ascii: "/") else {
                try check(segment)
                segment.removeAll(keepingCapacity: true)
                index += 1
                continue
            }
            guard path[index] == UInt8(ascii: "%") else {
                segment.append(path[index])
                index += 1
                continue
            }
            guard index + 2 < path.count, let high = hexValue(path[index + 1]),
                let low = hexValue(path[index + 2])
            else {
                throw .malformedTarget(
                    "A % in the path is not followed by two hexadecimal digits; write % as %25."
                )
            }
            try append(high << 4 | low, to: &segment)
            index += 3
        }
    }

    private static func append(_ decoded: UInt8, to segment: inout [UInt8]) throws(ProtocolError) {
        switch decoded {
        case UInt8(ascii: "/"), UInt8(ascii: "\\"):
            throw .malformedTarget(
                "An encoded slash or backslash may not stand in the path; no name has one."
            )
        case 0..<0x20, 0x7F:
            throw .malformedTarget("An encoded control character may not stand in the path; no name has one.")
        default:
            segment.append(decoded)
        }
    }

    private static func check(_ segment: [UInt8]) throws(ProtocolError) {
        if segment == [UInt8(ascii: ".")] || segment == [UInt8(ascii: "."), UInt8(ascii: ".")] {
            throw .malformedTarget("The path has a . or .. segment; send the path without them.")
        }
        guard String(validating: segment, as: UTF8.self) != nil else {
            throw .malformedTarget("The path does not decode to valid UTF-8; percent-encode UTF-8 bytes.")
        }
    }
}
