// SPDX-License-Identifier: Apache-2.0
import Volumes

/// The statuses that errors have, by the names of their answers in the document.
///
/// They are those of ``ServiceError/status`` and of `ProtocolError.statusHint`, but for 499, which nobody sees.
package enum DescribedError: Int, CaseIterable {
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case notAcceptable = 406
    case timeout = 408
    case conflict = 409
    case preconditionFailed = 412
    case contentTooLarge = 413
    case targetTooLong = 414
    case unsupportedMediaType = 415
    case rangeNotSatisfiable = 416
    case expectationFailed = 417
    case headTooLarge = 431
    case internalFault = 500
    case notImplemented = 501
    case badGateway = 502
    case unavailable = 503
    case gatewayTimeout = 504
    case versionNotSupported = 505
    case noStorage = 507

    /// What any request can meet: the transport refuses it, or the service has no room or a fault.
    static let anywhere: Set<DescribedError> = [
        .badRequest, .timeout, .contentTooLarge, .targetTooLong, .expectationFailed, .headTooLarge,
        .internalFault,
        .notImplemented, .unavailable, .versionNotSupported,
    ]

    /// What whoever reads a volume can meet beside that.
    static let reading: [DescribedError] = [.notFound, .badGateway, .gatewayTimeout]

    /// What a representation with conditions and ranges can meet beside that.
    static let conditions: [DescribedError] = [.preconditionFailed, .rangeNotSatisfiable]

    static var components: [String: JSONValue] {
        Dictionary(uniqueKeysWithValues: allCases.map { ("\($0)", $0.json) })
    }

    static var requestID: JSONValue {
        .object([
            "description": .string("The client's own, if it sent a valid one."), "schema": .typed("string"),
        ])
    }

    var reference: JSONValue { .object(["$ref": .string("#/components/responses/\(self)")]) }

    /// The answer to `HEAD`.
    var withoutContent: JSONValue { .object(["description": .string(words)]) }

    private var json: JSONValue {
        var headers = ["X-Request-Id": Self.requestID]
        if let field {
            headers[field.name] = .object([
                "description": .string(field.words), "schema": .typed("string"),
            ])
        }
        return .object([
            "description": .string(words),
            "headers": .object(headers),
            "content": .object([Problem.mediaType: DescribedAnswer.mediaType(.problem)]),
        ])
    }

    private var field: (name: String, words: String)? {
        switch self {
        case .unauthorized: ("WWW-Authenticate", "Bearer")
        case .methodNotAllowed: ("Allow", "The methods that there are.")
        case .unavailable, .gatewayTimeout: ("Retry-After", "Seconds, where it is worth trying again.")
        case .rangeNotSatisfiable: ("Content-Range", "How many bytes there are: bytes */N.")
        case .unsupportedMediaType: ("Accept-Post", "The media types that are taken.")
        case .badRequest, .forbidden, .notFound, .notAcceptable, .timeout, .conflict, .preconditionFailed,
            .contentTooLarge, .targetTooLong, .expectationFailed, .headTooLarge, .internalFault,
            .notImplemented,
            .badGateway, .versionNotSupported, .noStorage:
            nil
        }
    }

    private var words: String {
        switch self {
        case .badRequest: "A bad parameter, a broken body or a broken head; the detail says which."
        case .unauthorized: "A token is needed, or nobody knows this one."
        case .forbidden: "The token may not write, or nobody may here."
        case .notFound: "There is no such thing."
        case .methodNotAllowed: "No such method on it."
        case .notAcceptable: "Nothing here is what the Accept or the Accept-Encoding wants."
        case .timeout: "The head or the body came too slowly."
        case .conflict: "Something of this name is there already, or is being written."
        case .preconditionFailed: "If-Match names another version."
        case .contentTooLarge: "More than a limit; the detail says which and how much."
        case .targetTooLong: "The request target is too long."
        case .unsupportedMediaType: "An unknown Content-Type or Content-Encoding."
        case .rangeNotSatisfiable: "The range begins behind the end."
        case .expectationFailed: "An unknown expectation."
        case .headTooLarge: "The header fields are too many or too long."
        case .internalFault: "A fault of the service; its log has the reason."
        case .notImplemented: "An unknown method or transfer coding."
        case .badGateway: "The source of the volume does not do what it should."
        case .unavailable: "No room now, or the service is starting or stopping."
        case .gatewayTimeout: "The source of the volume does not answer in time."
        case .versionNotSupported: "Not HTTP/1.x."
        case .noStorage: "There is no room or no place to keep what was sent."
        }
    }
}
