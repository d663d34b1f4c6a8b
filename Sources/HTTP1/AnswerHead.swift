// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// Writes status lines, header sections and chunk framing.
///
/// `Date`, `Content-Length`, `Transfer-Encoding` and `Connection` are written here; all others are ``FieldLines``.
package enum AnswerHead {
    /// `100 Continue`, whole.
    package static let continueBytes = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    /// The last chunk and an empty trailer section.
    package static let lastChunk = Array("0\r\n\r\n".utf8)

    /// Appends a whole head; without the status's reason if that has control bytes, which could begin a second answer.
    ///
    /// `keepAlive` is silent in HTTP/1.1, `Connection: keep-alive` in 1.0; without it there is `close`. The
    /// `minorVersion` is that of the request; the status line says HTTP/1.1 in any case (RFC 9110 §2.5). The
    /// `date` is as ``HTTPDate/bytes(unixSeconds:)`` makes it.
    package static func append(
        to output: inout [UInt8],
        status: HTTPResponse.Status,
        lines: FieldLines,
        framing: AnswerFraming,
        keepAlive: Bool,
        minorVersion: Int,
        date: [UInt8]
    ) {
        appendStatusLine(status, to: &output)
        output.append(contentsOf: lines.bytes)
        append("Date: ", to: &output)
        output.append(contentsOf: date)
        switch framing {
        case .bodiless, .untilClose: break
        case .length(let length), .lengthOnly(let length):
            append("\r\nContent-Length: ", to: &output)
            appendDecimal(length, to: &output)
        case .chunked: append("\r\nTransfer-Encoding: chunked", to: &output)
        }
        if !keepAlive {
            append("\r\nConnection: close", to: &output)
        } else if minorVersion == 0 {
            append("\r\nConnection: keep-alive", to: &output)
        }
        append("\r\n\r\n", to: &output)
    }

    /// Appends a chunk's size and CRLF. The data and another CRLF follow. `count` is above 0.
    package static func appendChunkSize(_ count: Int, to output: inout [UInt8]) {
        precondition(count > 0, "a chunk of no bytes would end the body")
        var shift = (count.bitWidth - count.leadingZeroBitCount - 1) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: count >> shift & 15)
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            shift -= 4
        }
        append("\r\n", to: &output)
    }

    private static func appendStatusLine(_ status: HTTPResponse.Status, to output: inout [UInt8]) {
        guard status.code != 200 || status.reasonPhrase != "OK" else {
            append("HTTP/1.1 200 OK\r\n", to: &output)
            return
        }
        append("HTTP/1.1 ", to: &output)
        appendDecimal(status.code, to: &output)
        output.append(0x20)
        let reason = status.reasonPhrase.utf8
        if reason.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) { output.append(contentsOf: reason) }
        append("\r\n", to: &output)
    }

    @inline(__always)
    private static func append(_ text: StaticString, to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private static func appendDecimal(_ number: Int, to output: inout [UInt8]) {
        precondition(number >= 0, "a length or status below zero")
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits))
        rest = number
        var index = output.count
        while rest > 0 {
            index -= 1
            output[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
