// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Volumes

/// What one method of a route takes and answers.
struct DescribedOperation {
    let tag: OperationTag
    /// Unique within the document, in camel case.
    let id: String
    let summary: String
    var details: String?
    var parameters: [DescribedParameter] = []
    /// Media types of the body; empty: it has none.
    var bodies: [BodyKind] = []
    let answers: [DescribedAnswer]
    /// Errors beside those that any request can meet.
    var errors: [DescribedError] = []

    /// The operation object. That of `HEAD` has the fields of `GET` and no content.
    func json(_ route: Route, _ method: HTTPRequest.Method) -> JSONValue {
        let isHead = method == .head
        let scope = route.scope(method)
        var members: [String: JSONValue] = [
            "tags": .array([.string(tag.rawValue)]),
            "operationId": .string(isHead ? id + "Head" : id),
            "summary": .string(isHead ? "The fields of GET without its body." : summary),
            "responses": .object(responses(isHead: isHead, scope: scope)),
        ]
        if let details, !isHead { members["description"] = .string(details) }
        if !parameters.isEmpty { members["parameters"] = .array(parameters.map(\.json)) }
        if !bodies.isEmpty {
            let content = bodies.map { ($0.rawValue, DescribedAnswer.mediaType(.binary)) }
            members["requestBody"] = .object([
                "required": .bool(true),
                "description": .string(
                    "One array: raw little-endian voxels, exactly shape × dtype bytes, or one NumPy .npy."
                ),
                "content": .object(Dictionary(uniqueKeysWithValues: content)),
            ])
        }
        if let scope {
            var ways = [JSONValue.object([:]), .object(["bearer": .array([])])]
            if scope == .read { ways.append(.object(["access_token": .array([])])) }
            members["security"] = .array(ways)
        }
        return .object(members)
    }

    private func responses(isHead: Bool, scope: AccessScope?) -> [String: JSONValue] {
        var responses: [String: JSONValue] = [:]
        for answer in answers { responses["\(answer.status)"] = answer.json(isHead: isHead) }
        var errors = Set(errors).union(DescribedError.anywhere)
        if scope != nil { errors.insert(.unauthorized) }
        if scope == .write { errors.insert(.forbidden) }
        for error in errors where responses["\(error.rawValue)"] == nil {
            responses["\(error.rawValue)"] = isHead ? error.withoutContent : error.reference
        }
        return responses
    }
}

/// An answer that is no error, and what it carries.
struct DescribedAnswer {
    /// A media type, and what its bytes are; `nil`: a part of something, which no schema describes.
    typealias Content = (type: String, schema: DescribedSchema?)

    let status: Int
    let words: String
    var content: [Content] = []
    /// Fields that are always there beside `X-Request-Id`, with what they say.
    var fields: [(name: String, words: String)] = []

    func json(isHead: Bool) -> JSONValue {
        var headers: [String: JSONValue] = ["X-Request-Id": DescribedError.requestID]
        for field in fields {
            headers[field.name] = .object([
                "description": .string(field.words), "required": .bool(true), "schema": .typed("string"),
            ])
        }
        var members: [String: JSONValue] = ["description": .string(words), "headers": .object(headers)]
        if !content.isEmpty, !isHead {
            let items = content.map { ($0.type, Self.mediaType($0.schema)) }
            members["content"] = .object(Dictionary(uniqueKeysWithValues: items))
        }
        return .object(members)
    }

    /// A media type object.
    static func mediaType(_ schema: DescribedSchema?) -> JSONValue {
        .object(schema.map { ["schema": $0.json] } ?? [:])
    }
}
