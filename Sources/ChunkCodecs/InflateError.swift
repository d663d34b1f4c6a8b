// SPDX-License-Identifier: Apache-2.0

/// Why a compressed body is refused.
package enum InflateError: Error, Equatable, Sendable {
    case notGzip
    case notZlib
    /// Only method 8, deflate, exists.
    case unsupportedMethod(UInt8)
    /// Bits 5 to 7 of a gzip header's flags are not 0.
    case reservedFlags(UInt8)
    case headerTooLong(limit: Int)
    /// The optional checksum of a gzip header.
    case headerChecksumMismatch
    case presetDictionary
    /// Invalid deflate data.
    case corrupt
    case checksumMismatch(stored: UInt32, computed: UInt32)
    /// ISIZE: lengths modulo 2^32.
    case lengthMismatch(stored: UInt32, computed: UInt32)
    /// Bytes behind the end that begin no gzip member, or any behind a zlib stream.
    case trailingBytes
    /// The bytes ended inside the stream.
    case truncated
    /// The stream goes on where its content should have ended.
    case longerThanExpected
    case outOfMemory

    /// What is wrong, and what would be right.
    package var message: String {
        switch self {
        case .notGzip:
            "the body is not gzip: it must begin with the bytes 1F 8B"
        case .notZlib:
            "the body is not deflate in the zlib format (RFC 1950): its first two bytes are no such header"
        case .unsupportedMethod(let method):
            "compression method \(method) is unknown: use 8 (deflate)"
        case .reservedFlags(let flags):
            "the gzip header has reserved flags set (\(flags)): bits 5 to 7 must be 0"
        case .headerTooLong(let limit):
            "a field of the gzip header is longer than \(limit) bytes"
        case .headerChecksumMismatch:
            "the checksum of the gzip header is wrong"
        case .presetDictionary:
            "the deflate body needs a preset dictionary: compress it without one"
        case .corrupt:
            "the compressed body is corrupt: invalid deflate data"
        case .checksumMismatch(let stored, let computed):
            "the compressed body is corrupt: its checksum is \(hexadecimal(stored)), "
                + "its content has \(hexadecimal(computed))"
        case .lengthMismatch(let stored, let computed):
            "the compressed body is corrupt: its length field is \(stored), "
                + "its content has \(computed) bytes (modulo 2^32)"
        case .trailingBytes:
            "there are bytes behind the end of the compressed body: only further gzip members may follow"
        case .truncated:
            "the compressed body ends too early: its stream is not complete"
        case .longerThanExpected:
            "the compressed body inflates to more bytes than expected"
        case .outOfMemory:
            "no memory is left for inflating"
        }
    }
}

private func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}
