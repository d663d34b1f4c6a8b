// SPDX-License-Identifier: Apache-2.0

/// One GET, as the client is asked for it.
struct HTTPRequest: Sendable {
    /// Where to; its credentials are those to show.
    var address: WebAddress
    /// The URL for messages.
    let place: String
    /// The bytes to ask for; nil: all.
    let range: Range<Int>?
    /// How many bytes of the body are taken of an object that comes as a whole.
    let limit: Int
    /// Whether no connection that is open already will do.
    var needsFreshConnection = false
}

/// An answer whose body has come as a whole; bodies of errors and redirects are dropped.
struct HTTPAnswer: Sendable {
    let status: Int
    let fields: ResponseFields
    let bytes: [UInt8]
    /// What the server asks to wait, in seconds; 0: nothing.
    let retryAfter: Int
    /// The absolute URL that a redirect leads to.
    let redirect: String?
}

/// Why there is no answer.
struct TransferFailure: Error {
    let error: OriginError
    /// Whether another try may fare better.
    let mayRetry: Bool
    /// Whether the other try needs a connection of its own, because this one had bytes that nobody asked for.
    var needsFreshConnection = false
}
