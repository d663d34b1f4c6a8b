// SPDX-License-Identifier: Apache-2.0
import FuzzSupport
import HTTP1

private let head = Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)

/// Input: a chunked body and whatever comes behind it.
///
/// Shows that the decoder and a second one, which was written from RFC 9112 §7.1 alone and holds everything, agree on
/// the body and on where it ends, however the stream is cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzChunked(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let stream = UnsafeRawBufferPointer(start: start, count: count)
    let expected = Verdict(reading: Array(stream))
    for cutting in Cutting.allCases {
        for direct in [false, true] {
            let verdict = decoded(stream, cutting, direct: direct)
            require(verdict == expected, "\(cutting), direct \(direct): \(verdict) instead of \(expected)")
        }
    }
    return 0
}

private func decoded(_ stream: UnsafeRawBufferPointer, _ cutting: Cutting, direct: Bool) -> Verdict {
    var parser = RequestParser(limits: Verdict.limits)
    var position = 0
    head.withUnsafeBytes { bytes in
        guard case .head = parser.next(in: bytes, at: &position) else { return require(false, "no head") }
        guard case .needMore = parser.next(in: bytes, at: &position) else { return require(false, "no body") }
    }
    var body: [UInt8] = []
    for range in cutting.pieces(of: stream) {
        let piece = Array(stream[range])
        let verdict = piece.withUnsafeBytes { bytes -> Verdict? in
            var position = 0
            while true {
                let directly = direct ? min(parser.directBodyBytes, bytes.count - position) : 0
                body += bytes[position..<position + directly]
                position += directly
                parser.consumedDirectly(directly)
                switch parser.next(in: bytes, at: &position, bodyLimit: direct ? .max : 3) {
                case .head: return .refused
                case .body(let data): body += bytes[data]
                case .end: return .complete(body, used: range.lowerBound + position)
                case .needMore: return nil
                case .failed: return .refused
                }
            }
        }
        if let verdict { return verdict }
    }
    return .incomplete(body)
}
