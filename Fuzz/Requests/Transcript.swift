// SPDX-License-Identifier: Apache-2.0
import FuzzSupport
import HTTP1
import HTTPTypes

/// Everything that a parser said about a stream, as bytes; body pieces are joined.
struct Transcript: Equatable, CustomStringConvertible {
    private var log: [UInt8] = []
    private var isInBody = false
    private var failure: ProtocolError?

    var description: String { String(decoding: log, as: UTF8.self).debugDescription }

    init(_ stream: UnsafeRawBufferPointer, _ cutting: Cutting, limits: HTTP1Limits, direct: Bool) {
        var parser = RequestParser(limits: limits)
        for piece in cutting.pieces(of: stream) where failure == nil {
            // A copy of its own: reading past a piece is a fault.
            Array(stream[piece]).withUnsafeBytes { feed($0, to: &parser, direct: direct) }
        }
        if failure == nil, parser.isInsideHead { add("inside head") }
        if let failure {
            var position = 0
            var isStillFailed = false
            if case .failed(failure) = parser.next(in: stream, at: &position) { isStillFailed = true }
            require(isStillFailed, "a failed parser went on")
            require((400...505).contains(failure.statusHint), "status \(failure.statusHint)")
            requireSentence(failure.detail, longest: 1_000)
        }
    }

    private mutating func feed(_ piece: UnsafeRawBufferPointer, to parser: inout RequestParser, direct: Bool)
    {
        var position = 0
        while true {
            let directly = direct ? min(parser.directBodyBytes, piece.count - position) : 0
            if directly > 0 {
                body(piece[position..<position + directly])
                position += directly
                parser.consumedDirectly(directly)
            }
            let before = position
            let event = parser.next(in: piece, at: &position)
            require(position >= before && position <= piece.count, "position \(position) of \(piece.count)")
            switch event {
            case .head(let head): add(head)
            case .body(let range):
                require(range.lowerBound >= before && range.upperBound == position, "body \(range)")
                body(piece[range])
            case .end: add("end")
            case .needMore:
                require(position == piece.count, "bytes left over")
                return
            case .failed(let error):
                failure = error
                add("failed \(error)")
                return
            }
        }
    }

    private mutating func body(_ bytes: Slice<UnsafeRawBufferPointer>) {
        if bytes.isEmpty { return }
        if !isInBody { log += "\nbody ".utf8 }
        isInBody = true
        log += bytes
    }

    private mutating func add(_ text: String) {
        isInBody = false
        log.append(0x0A)
        log += text.utf8
    }

    private mutating func add(_ head: RequestHead) {
        add(head.method.rawValue)
        for text in [head.target.path, head.target.query ?? "-", head.host ?? "-"] {
            log.append(0x20)
            log += text.utf8
        }
        log += " \(head.minorVersion) \(head.framing) \(head.expectsContinue) \(head.keepAlive)".utf8
        for field in head.fields {
            add(field.name.rawName)
            require(
                field.value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 9 },
                "a control byte in a value"
            )
            log.append(0x3A)
            log += field.value.utf8
        }
        require(head.target.path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a path that is not ASCII")
        for segment in head.target.segments {
            require(segment != "." && segment != "..", "a dot segment")
            require(
                segment.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != 0x2F && $0 != 0x5C },
                "a slash, a backslash or a control byte in a segment"
            )
        }
        require(head.minorVersion == 0 || head.host != nil, "HTTP/1.1 without a host")
    }
}
