// SPDX-License-Identifier: Apache-2.0
import VolumeNames
import Volumes

/// One parameter of an operation, in its path, its query or its fields.
struct DescribedParameter {
    enum Place: String {
        case path, query, header
    }

    let place: Place
    let name: String
    let words: String
    let schema: JSONValue
    var example: String?

    var json: JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(name), "in": .string(place.rawValue), "description": .string(words),
            "schema": schema,
        ]
        if place == .path { members["required"] = .bool(true) }
        if let example { members["example"] = .string(example) }
        return .object(members)
    }

    static func query(_ name: String, _ words: String, _ schema: JSONValue) -> DescribedParameter {
        DescribedParameter(place: .query, name: name, words: words, schema: schema)
    }

    static func path(_ name: String, _ words: String, example: String, _ schema: JSONValue = .typed("string"))
        -> DescribedParameter
    {
        DescribedParameter(place: .path, name: name, words: words, schema: schema, example: example)
    }

    static func field(_ name: String, _ words: String, _ schema: JSONValue = .typed("string"))
        -> DescribedParameter
    {
        DescribedParameter(place: .header, name: name, words: words, schema: schema)
    }

    static var volumeName: DescribedParameter {
        .path("name", "The name of a volume.", example: "medulla", .pattern(VolumeName.allowed))
    }

    static var contentEncoding: DescribedParameter {
        .field(
            "Content-Encoding",
            "How the body is packed: \(ContentCoding.listing). Several gzip members one after another are one stream."
        )
    }

    static var acceptEncoding: DescribedParameter {
        .field("Accept-Encoding", "gzip, where the client takes it, gives gzip.")
    }

    static var ifMatch: DescribedParameter {
        .field("If-Match", "Entity tags, or *: go on only if one is the present one.")
    }

    /// Conditions and ranges of RFC 9110 §13 and §14.
    static var conditions: [DescribedParameter] {
        [
            .field("If-None-Match", "Entity tags, or *: 304 if one is the present one."),
            ifMatch,
            .field("Range", "One range of bytes; several, and other units, mean the whole."),
            .field("If-Range", "The range counts only for this entity tag."),
        ]
    }
}
