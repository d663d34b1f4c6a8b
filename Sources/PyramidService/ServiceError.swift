// SPDX-License-Identifier: Apache-2.0
package import HTTP1
package import HTTPTypes

/// Everything that can go wrong with a request once its head is read, in words for its sender.
///
/// Each sentence says what was wrong and what would be right.
package enum ServiceError: Error, Equatable, Sendable {
    /// A query parameter that is unknown, repeated, or outside its set.
    case parameter(String, String)
    /// A header field that cannot be what it says.
    case field(String, String)
    /// A body that is not the array it should be.
    case body(String)
    /// No token, or one that nobody knows.
    case unauthorized(String)
    /// A token without the scope that is needed.
    case forbidden(String)
    case notFound(String)
    case methodNotAllowed(String, allow: [String])
    /// Nothing that there is is wanted; `vary` names the fields that would be answered otherwise, `nil`: none.
    case notAcceptable(String, vary: String?)
    /// Something of this name is there already, or is being made.
    case conflict(String)
    case preconditionFailed(String)
    /// A range beyond the end of so many bytes.
    case rangeNotSatisfiable(count: Int)
    /// A source of a volume does not do what it should.
    case badGateway(String)
    /// A source of a volume does not answer in time.
    case gatewayTimeout(String)
    /// There is no room to keep what was sent, or no place.
    case noStorage(String)
    /// More than a limit of the configuration; `limit` is its key.
    case overLimit(limit: String, String)
    case mediaType(String)
    case contentCoding(String)
    /// No room now; `limit` is the key of the limit that was met.
    case overloaded(limit: String, String)
    case draining
    case outOfMemory(Int)
    /// What the transport refused.
    case transport(ProtocolError)
    /// A fault of ours. The words go to the log, not to the client.
    case internalFault(String)
    /// Nobody is left to answer.
    case clientLeft

    /// The status that a client sees. With `ProtocolError.statusHint`, the only place that decides one.
    package var status: HTTPResponse.Status {
        switch self {
        case .parameter, .field, .body: .badRequest
        case .unauthorized: .unauthorized
        case .forbidden: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .notAcceptable: .notAcceptable
        case .conflict: .conflict
        case .preconditionFailed: .preconditionFailed
        case .rangeNotSatisfiable: .rangeNotSatisfiable
        case .badGateway: .badGateway
        case .gatewayTimeout: .gatewayTimeout
        case .noStorage: .init(code: 507, reasonPhrase: "Insufficient Storage")
        case .overLimit: .contentTooLarge
        case .mediaType, .contentCoding: .unsupportedMediaType
        case .overloaded, .draining, .outOfMemory: .serviceUnavailable
        case .transport(let error): error.status
        case .internalFault: .internalServerError
        case .clientLeft: .init(code: 499, reasonPhrase: "Client Closed Request")
        }
    }

    package var detail: String {
        switch self {
        case .parameter(let name, let what): "The parameter `\(name)`: \(what)"
        case .field(let name, let what): "The field \(name): \(what)"
        case .body(let what), .unauthorized(let what), .forbidden(let what), .notFound(let what),
            .methodNotAllowed(let what, _), .notAcceptable(let what, _), .mediaType(let what),
            .contentCoding(let what), .conflict(let what), .preconditionFailed(let what),
            .badGateway(let what), .gatewayTimeout(let what), .noStorage(let what):
            what
        case .rangeNotSatisfiable(let count):
            "There are \(count) bytes; ask for a range that begins within them."
        case .overLimit(let limit, let what): "\(what) The limit is `\(limit)`."
        case .overloaded(let limit, let what): "\(what) The limit is `\(limit)`. Try again later."
        case .draining: "The service is stopping. Send the request again, to another instance or later."
        case .outOfMemory(let bytes): "There is no memory for \(bytes) bytes now. Try again later."
        case .transport(let error):
            error.limit.map { "\(error.detail) The limit is `\($0)`." } ?? error.detail
        case .internalFault: "The service failed, and the request did nothing wrong. The log has the reason."
        case .clientLeft: "The client left before the answer."
        }
    }

    /// The words for the log.
    var reason: String {
        if case .internalFault(let what) = self { what } else { detail }
    }

    /// Fields that belong to the answer beside the problem itself.
    package var fields: HTTPFields {
        switch self {
        case .methodNotAllowed(_, let allow): [.allow: allow.joined(separator: ", ")]
        case .notAcceptable(_, let vary?): [.vary: vary]
        case .mediaType: [.acceptPost: BodyKind.listing]
        case .contentCoding: [.acceptEncoding: ContentCoding.listing]
        case .unauthorized: [.wwwAuthenticate: "Bearer"]
        case .overloaded, .draining, .outOfMemory, .gatewayTimeout: [.retryAfter: "2"]
        case .transport(let error) where error.statusHint == 503: [.retryAfter: "2"]
        case .rangeNotSatisfiable(let count): [.contentRange: "bytes */\(count)"]
        case .parameter, .field, .body, .forbidden, .notFound, .notAcceptable, .conflict, .preconditionFailed,
            .badGateway, .noStorage, .overLimit, .transport, .internalFault, .clientLeft:
            [:]
        }
    }

    /// The key of the limit that was met, for metrics; `nil`: none.
    package var limit: String? {
        switch self {
        case .overLimit(let limit, _), .overloaded(let limit, _): limit
        case .outOfMemory: "limits.memory"
        case .transport(let error): error.limit
        case .parameter, .field, .body, .unauthorized, .forbidden, .notFound, .methodNotAllowed,
            .notAcceptable, .conflict, .preconditionFailed, .rangeNotSatisfiable, .badGateway,
            .gatewayTimeout,
            .noStorage, .mediaType, .contentCoding, .draining, .internalFault, .clientLeft:
            nil
        }
    }
}

extension ProtocolError {
    /// The key of the limit that was met; `nil`: none of the configuration.
    var limit: String? {
        switch self {
        case .targetTooLong: "limits.target_bytes"
        case .fieldTooLong, .sectionTooLarge: "limits.head_bytes"
        case .tooManyFields: "limits.header_count"
        case .bodyTooLarge: "limits.body_bytes"
        case .headTooSlow: "timeouts.head"
        case .bodyTooSlow(.gap): "timeouts.body_gap"
        case .bodyTooSlow(.rate): "limits.body_rate"
        case .tooManyConnections: "limits.connections"
        case .tooManyFromAddress: "limits.connections_per_address"
        case .notHTTP, .tooManyEmptyLines, .malformedRequestLine, .unknownMethod, .unsupportedVersion,
            .malformedTarget, .bareLineFeed, .bareCarriageReturn, .controlByte, .malformedField, .missingHost,
            .repeatedHost, .malformedHost, .ambiguousFraming, .repeatedContentLength, .malformedContentLength,
            .malformedTransferEncoding, .unknownTransferCoding, .unknownExpectation, .malformedChunk,
            .chunkExtensionTooLarge, .bodyTooSlow(.rest), .stopping:
            nil
        }
    }
}
