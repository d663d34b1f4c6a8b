// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// How an answer's end is shown to the client (RFC 9112 §6.3, seen from the server).
package enum AnswerFraming: Sendable, Equatable {
    /// Neither a body nor a field that announces one: 1xx, 204, 304, and HEAD without a known length.
    case bodiless
    /// `Content-Length` as GET would have it, but no body: HEAD.
    case lengthOnly(Int)
    /// `Content-Length` and that many bytes.
    case length(Int)
    /// `Transfer-Encoding: chunked`.
    case chunked
    /// The connection's end is the body's end: an unknown length to HTTP/1.0.
    case untilClose

    /// The framing of an answer to `head`.
    ///
    /// `length` is the number of the body's bytes if it is known beforehand, for HEAD that of GET's answer.
    package init(to head: RequestHead, status: HTTPResponse.Status, length: Int?) {
        self.init(to: head.method, minorVersion: head.minorVersion, status: status, length: length)
    }

    /// The framing of an answer to a request of that method and version; as ``init(to:status:length:)``.
    package init(
        to method: HTTPRequest.Method,
        minorVersion: Int,
        status: HTTPResponse.Status,
        length: Int?
    ) {
        let hasNoBody = status.code < 200 || status.code == 204 || status.code == 304
        if hasNoBody {
            self = .bodiless
        } else if method == .head {
            self = length.map(Self.lengthOnly) ?? .bodiless
        } else if let length {
            self = .length(length)
        } else {
            self = minorVersion == 0 ? .untilClose : .chunked
        }
    }

    /// Whether body bytes are sent at all; if not, they are swallowed.
    package var sendsBody: Bool {
        switch self {
        case .bodiless, .lengthOnly: false
        case .length, .chunked, .untilClose: true
        }
    }
}
