// SPDX-License-Identifier: Apache-2.0

/// Why a request cannot be served as HTTP/1.1.
///
/// Each of them ends the connection: after it, nothing that follows on the same stream can be trusted to be
/// where the client meant it.
package enum ProtocolError: Error, Equatable, Sendable {
    /// The first bytes are no request line at all (TLS, a binary protocol).
    case notHTTP(firstByte: UInt8)
    /// More empty lines before the request line than are skipped.
    case tooManyEmptyLines(limit: Int)
    /// The request line is not `METHOD SP target SP HTTP/1.x`.
    case malformedRequestLine(String)
    /// The target is over its limit.
    case targetTooLong(limit: Int)
    /// A method that no resource of this server has.
    case unknownMethod(String)
    /// A version whose major number is not 1.
    case unsupportedVersion(String)
    /// The target has a form or a byte that is not allowed.
    case malformedTarget(String)
    /// A line ended by LF alone.
    case bareLineFeed(Part)
    /// A CR that no LF follows.
    case bareCarriageReturn(Part)
    /// NUL or another control byte.
    case controlByte(UInt8, Part)
    /// A field line that is not `name: value`.
    case malformedField(String, Part)
    /// A field line is over its limit.
    case fieldTooLong(limit: Int, Part)
    /// A header or trailer section is over its limit.
    case sectionTooLarge(limit: Int, Part)
    /// A header or trailer section has more lines than its limit.
    case tooManyFields(limit: Int, Part)
    /// HTTP/1.1 without `Host`.
    case missingHost
    /// More than one `Host`.
    case repeatedHost
    /// A `Host` or an authority that is no host with an optional port.
    case malformedHost(String)
    /// `Content-Length` and `Transfer-Encoding` together.
    case ambiguousFraming
    /// More than one `Content-Length`.
    case repeatedContentLength
    /// A `Content-Length` that is not one decimal number below 2^63.
    case malformedContentLength(String)
    /// A `Transfer-Encoding` that does not end in exactly one `chunked`, or that HTTP/1.0 cannot have.
    case malformedTransferEncoding(String)
    /// A transfer coding other than `chunked`.
    case unknownTransferCoding(String)
    /// An expectation other than `100-continue`.
    case unknownExpectation(String)
    /// The body is over its limit.
    case bodyTooLarge(limit: Int)
    /// A chunk that is not size, CRLF, data, CRLF.
    case malformedChunk(String)
    /// A chunk-size line or the sum of chunk extensions is over its limit.
    case chunkExtensionTooLarge(limit: Int)
    /// The head did not arrive in time.
    case headTooSlow(limit: Duration)
    /// The body did not arrive in time.
    case bodyTooSlow(Slowness)
    /// More connections than the server may have.
    case tooManyConnections(limit: Int)
    /// More connections than one address may have.
    case tooManyFromAddress(limit: Int)
    /// The server is stopping.
    case stopping

    /// The part of a request in which an error was found.
    package enum Part: String, Sendable {
        case requestLine = "the request line"
        case header = "the header section"
        case chunkLine = "a chunk-size line"
        case trailer = "the trailer section"
    }

    /// The rule about time that a body broke.
    package enum Slowness: Equatable, Sendable {
        /// No byte of it came for so long.
        case gap(limit: Duration)
        /// It came, on the whole, with fewer bytes a second.
        case rate(limit: Int)
        /// What was left of it behind the answer did not come before the server gave up.
        case rest
    }

    /// The status code to answer with.
    package var statusHint: Int {
        switch self {
        case .notHTTP, .tooManyEmptyLines, .malformedRequestLine, .malformedTarget, .bareLineFeed,
            .bareCarriageReturn, .controlByte, .malformedField, .missingHost, .repeatedHost, .malformedHost,
            .ambiguousFraming, .repeatedContentLength, .malformedContentLength, .malformedTransferEncoding,
            .malformedChunk:
            400
        case .headTooSlow, .bodyTooSlow: 408
        case .bodyTooLarge, .chunkExtensionTooLarge: 413
        case .targetTooLong: 414
        case .unknownExpectation: 417
        case .fieldTooLong, .sectionTooLarge, .tooManyFields: 431
        case .unknownMethod, .unknownTransferCoding: 501
        case .tooManyConnections, .tooManyFromAddress, .stopping: 503
        case .unsupportedVersion: 505
        }
    }

    /// What was wrong and what would be right, in a sentence or two of printable text.
    package var detail: String {
        switch self {
        case .notHTTP(0x16):
            "The connection began with a TLS handshake; this port speaks plain HTTP/1.1."
        case .notHTTP(let byte):
            "The connection began with byte \(byte); a request begins with a method such as GET."
        case .tooManyEmptyLines(let limit):
            "More than \(limit) empty lines came before the request line; send none."
        case .malformedRequestLine(let what):
            "\(what) A request line is: METHOD, one space, target, one space, HTTP/1.1, CRLF."
        case .targetTooLong(let limit):
            "The request target is longer than the limit of \(limit) bytes; send a shorter one."
        case .unknownMethod(let method):
            "The method \(method) is not known here; known are \(KnownMethod.listing)."
        case .unsupportedVersion(let version):
            "The version \(version) is not served here; send HTTP/1.1."
        case .malformedTarget(let what):
            what
        case .bareLineFeed(let part):
            "A line of \(part.rawValue) ends in LF alone; every line ends in CRLF."
        case .bareCarriageReturn(let part):
            "A CR in \(part.rawValue) is not followed by LF; every line ends in CRLF."
        case .controlByte(let byte, let part):
            "The control byte \(byte) in \(part.rawValue) is not allowed; send visible characters."
        case .malformedField(let what, let part):
            "\(what) A line of \(part.rawValue) is: name, colon, value, CRLF."
        case .fieldTooLong(let limit, let part):
            "A line of \(part.rawValue) is longer than the limit of \(limit) bytes."
        case .sectionTooLarge(let limit, let part):
            "More than \(limit) bytes in \(part.rawValue): that is the limit; send fewer or shorter fields."
        case .tooManyFields(let limit, let part):
            "More than \(limit) lines in \(part.rawValue): that is the limit; send fewer fields."
        case .missingHost:
            "The Host field is missing; HTTP/1.1 requires exactly one."
        case .repeatedHost:
            "There is more than one Host field; send exactly one."
        case .malformedHost(let host):
            "The host \(host) is not valid; send a name or an address and, where needed, a colon and a port."
        case .ambiguousFraming:
            "Content-Length and Transfer-Encoding came together; send one of them."
        case .repeatedContentLength:
            "There is more than one Content-Length; send exactly one."
        case .malformedContentLength(let value):
            "The Content-Length \(value) is not valid; send one decimal number below 2^63, digits only."
        case .malformedTransferEncoding(let what):
            "\(what) Send Transfer-Encoding: chunked, once, or a Content-Length."
        case .unknownTransferCoding(let coding):
            "The transfer coding \(coding) is not known here; the only one is chunked."
        case .unknownExpectation(let value):
            "The expectation \(value) cannot be met; the only one is 100-continue."
        case .bodyTooLarge(let limit):
            "The request body is larger than the limit of \(limit) bytes; send less at a time."
        case .malformedChunk(let what):
            "\(what) A chunk is: size in 1 to 16 hexadecimal digits, CRLF, that many bytes, CRLF."
        case .chunkExtensionTooLarge(let limit):
            "The chunk extensions are longer than the limit of \(limit) bytes; send none."
        case .headTooSlow(let limit):
            "The request head did not arrive within the limit of \(limit)."
        case .bodyTooSlow(.gap(let limit)):
            "No byte of the body arrived within the limit of \(limit); send it without longer pauses."
        case .bodyTooSlow(.rate(let limit)):
            "The body arrives more slowly than the limit of \(limit) bytes a second; send it faster."
        case .bodyTooSlow(.rest):
            "The rest of the body did not arrive in time; read the answer, then send no more."
        case .tooManyConnections(let limit):
            "The server has its limit of \(limit) connections; try again later."
        case .tooManyFromAddress(let limit):
            "This address has its limit of \(limit) connections; use fewer at a time."
        case .stopping:
            "The server is stopping; send the request again, to another instance or later."
        }
    }

    /// Quotes bytes of a client for a message: at most 40 of them, only printable ASCII.
    static func quoted(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = "\""
        for byte in bytes.prefix(40) {
            let printable = byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"")
            text.unicodeScalars.append(printable ? Unicode.Scalar(byte) : "?")
        }
        text += bytes.count > 40 ? "…\"" : "\""
        return text
    }
}
