// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Origins
package import Volumes

/// What `GET /openapi.json` answers: every route with its parameters, bodies, answers and errors.
///
/// It is made of ``Route`` and of ``Route/operation(_:)``, which a new route cannot leave out.
/// - SeeAlso: The OpenAPI Specification, version 3.1.1.
package enum OpenAPIDocument {
    /// The document as JSON.
    package static let bytes: [UInt8] = value.encoded()

    /// A strong entity tag of ``bytes``, quotes included.
    package static let tag: String = EncodedChunk(bytes, .identity, fingerprint: "openapi").tag

    /// The document as a value.
    package static var value: JSONValue {
        .object([
            "openapi": .string("3.1.1"),
            "info": .object([
                "title": .string("Pyramidion"),
                "summary": .string("Image pyramids of volumes over HTTP."),
                "description": .string(
                    "A chunk in, its mips out; and volumes with all their mips for viewers. Axes are x, y, z, channel, "
                        + "time. Every error is a problem of RFC 9457. Below /v1 a parameter that is unknown, repeated or "
                        + "outside its set is a 400 that names it; other routes look at none but access_token. OPTIONS is a 204 "
                        + "everywhere, also as a CORS preflight."
                ),
                "version": .string("1"),
                "license": .object(["name": .string("Apache-2.0"), "identifier": .string("Apache-2.0")]),
            ]),
            "servers": .array([.object(["url": .string("/")])]),
            "tags": .array(OperationTag.allCases.map(\.json)),
            "paths": .object(paths),
            "components": .object([
                "schemas": .object(DescribedSchema.components),
                "responses": .object(DescribedError.components),
                "securitySchemes": .object([
                    "bearer": .object([
                        "type": .string("http"), "scheme": .string("bearer"),
                        "description": .string(
                            "Asked for only where the service was given a file of tokens."
                        ),
                    ]),
                    "access_token": .object([
                        "type": .string("apiKey"), "in": .string("query"), "name": .string("access_token"),
                        "description": .string(
                            "The same token, for viewers that cannot send fields. GET and HEAD alone."
                        ),
                    ]),
                ]),
            ]),
        ])
    }

    private static var paths: [String: JSONValue] {
        let items = Route.allCases.map { route in
            let operations = route.methods.filter { $0 != .options }.map { method in
                (method.rawValue.lowercased(), route.operation(method).json(route, method))
            }
            return (route.rawValue, JSONValue.object(Dictionary(uniqueKeysWithValues: operations)))
        }
        return Dictionary(uniqueKeysWithValues: items)
    }
}

/// The chapters of the document.
enum OperationTag: String, CaseIterable {
    case pyramids, volumes, viewers, operations, page

    var json: JSONValue {
        .object(["name": .string(rawValue), "description": .string(words)])
    }

    private var words: String {
        switch self {
        case .pyramids: "A chunk in, its pyramid out; nothing is stored."
        case .volumes: "Volumes by name: what there is, uploads, boxes and pictures."
        case .viewers: "The same volumes as Neuroglancer and OME-Zarr have them."
        case .operations: "For those who operate the service."
        case .page: "A page for people."
        }
    }
}
