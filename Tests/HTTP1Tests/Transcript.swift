// SPDX-License-Identifier: Apache-2.0

import HTTP1
import HTTPTypes

/// Everything a parser said about a byte stream, in lines; the same for every way to split the stream.
struct Transcript: Equatable, CustomStringConvertible {
    private(set) var lines: [String] = []
    private(set) var failure: ProtocolError?
    private var body: [UInt8] = []

    var description: String { lines.joined(separator: "\n") }

    /// Feeds `pieces` one after another.
    init(_ pieces: [ArraySlice<UInt8>], limits: HTTP1Limits = HTTP1Limits(), direct: Bool = false) {
        var parser = RequestParser(limits: limits)
        for piece in pieces where failure == nil {
            feed(Array(piece), to: &parser, direct: direct)
        }
        flushBody()
        if failure == nil, parser.isInsideHead { lines.append("inside head") }
    }

    private mutating func feed(_ piece: [UInt8], to parser: inout RequestParser, direct: Bool) {
        piece.withUnsafeBytes { bytes in
            var position = 0
            while true {
                let directly = direct ? min(parser.directBodyBytes, bytes.count - position) : 0
                if directly > 0 {
                    body += bytes[position..<position + directly]
                    position += directly
                    parser.consumedDirectly(directly)
                }
                let before = position
                switch parser.next(in: bytes, at: &position) {
                case .head(let head): lines.append(Self.line(head))
                case .body(let range): body += bytes[range]
                case .end:
                    flushBody()
                    lines.append("end")
                case .needMore:
                    precondition(position == bytes.count, "needMore with bytes left")
                    return
                case .failed(let error):
                    flushBody()
                    failure = error
                    lines.append("failed \(error.statusHint) \(error.detail)")
                    return
                }
                precondition(position >= before && position <= bytes.count, "position out of range")
            }
        }
    }

    private mutating func flushBody() {
        guard !body.isEmpty else { return }
        lines.append("body \(String(decoding: body, as: UTF8.self).debugDescription)")
        body = []
    }

    private static func line(_ head: RequestHead) -> String {
        let target = head.target.path + (head.target.query.map { "?" + $0 } ?? "")
        let framing =
            switch head.framing {
            case .none: "none"
            case .length(let length): "\(length)"
            case .chunked: "chunked"
            }
        var line =
            "head \(head.method) \(target) 1.\(head.minorVersion) host=\(head.host ?? "-") body=\(framing)"
        line += head.keepAlive ? " keep-alive" : " close"
        if head.expectsContinue { line += " expects-continue" }
        return line
    }
}
