// SPDX-License-Identifier: Apache-2.0

/// What a request line asks for, checked, with its path still in the client's encoding.
package struct RequestTarget: Sendable, Equatable {
    /// The forms of RFC 9112 §3.2 that are served; authority-form belongs to CONNECT alone.
    package enum Form: Sendable, Equatable {
        /// `/path?query`
        case origin
        /// `http://host/path?query`
        case absolute
        /// `*`, with OPTIONS
        case asterisk
    }

    /// How the target was written.
    package let form: Form
    /// The path as sent, with its leading `/`; `*` in asterisk-form.
    package let path: String
    /// What follows the first `?`, not decoded; nil without a `?`.
    package let query: String?

    package init(form: Form, path: String, query: String?) {
        self.form = form
        self.path = path
        self.query = query
    }

    /// The path's segments, split at `/` and then percent-decoded once, without the empty one before the
    /// leading `/`.
    ///
    /// `/` and `*` have none; `/a/` has two, the second empty. Decoded anew by each call: keep the result. No
    /// segment is `.` or `..`, and none has a slash, backslash or control character: the parser refused those.
    package var segments: [String] {
        guard form != .asterisk, path.utf8.count > 1 else { return [] }
        // By bytes: a search for characters costs several times as much, for every chunk that is asked for.
        let bytes = path.utf8Span.span
        var segments: [String] = []
        var start = path.utf8.index(after: path.startIndex)
        for offset in 1..<bytes.count {
            if bytes[offset] == UInt8(ascii: "%") { return decodedSegments }
            guard bytes[offset] == UInt8(ascii: "/") else { continue }
            let end = path.utf8.index(path.startIndex, offsetBy: offset)
            segments.append(String(path[start..<end]))
            start = path.utf8.index(after: end)
        }
        segments.append(String(path[start...]))
        return segments
    }

    private var decodedSegments: [String] {
        path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            segment in
            var decoded: [UInt8] = []
            decoded.reserveCapacity(segment.count)
            var rest = segment
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "%"), let high = rest.popFirst().flatMap(hexValue),
                    let low = rest.popFirst().flatMap(hexValue)
                {
                    decoded.append(high << 4 | low)
                } else {
                    decoded.append(byte)
                }
            }
            return String(decoding: decoded, as: UTF8.self)
        }
    }
}
