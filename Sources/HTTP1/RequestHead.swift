// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// How the end of a request's body is found; decided from the header section alone.
package enum BodyFraming: Sendable, Equatable {
    /// No body.
    case none
    /// `Content-Length`, in bytes.
    case length(Int)
    /// `Transfer-Encoding: chunked`.
    case chunked
}

/// A request line and header section that passed every check of RFC 9112.
package struct RequestHead: Sendable {
    /// A method this server knows; never TRACE or CONNECT.
    package let method: HTTPRequest.Method
    /// What the request asks for.
    package let target: RequestTarget
    /// 0 for HTTP/1.0; 1 for every later 1.x.
    package let minorVersion: Int
    /// The field lines in order. Values have no control bytes but tab, no white space at their ends.
    package let fields: HTTPFields
    /// Host and port: of an absolute-form target if it is one, else of `Host`. Nil only in HTTP/1.0.
    package let host: String?
    /// How the body is framed.
    package let framing: BodyFraming
    /// Whether the client waits for `100 Continue`. Never in HTTP/1.0, nor without a body.
    package let expectsContinue: Bool
    /// Whether the client allows another request on this connection.
    package let keepAlive: Bool

    package init(
        method: HTTPRequest.Method,
        target: RequestTarget,
        minorVersion: Int,
        fields: HTTPFields,
        host: String?,
        framing: BodyFraming,
        expectsContinue: Bool,
        keepAlive: Bool
    ) {
        self.method = method
        self.target = target
        self.minorVersion = minorVersion
        self.fields = fields
        self.host = host
        self.framing = framing
        self.expectsContinue = expectsContinue
        self.keepAlive = keepAlive
    }
}
