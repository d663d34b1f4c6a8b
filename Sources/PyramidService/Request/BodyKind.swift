// SPDX-License-Identifier: Apache-2.0
package import HTTPTypes

/// What a request body is: raw voxels, or an array with its own header.
package enum BodyKind: String, CaseIterable, Sendable {
    case raw = "application/octet-stream"
    case npy = "application/x-npy"

    static let listing = BodyKind.allCases.map(\.rawValue).joined(separator: ", ")

    /// Reads `Content-Type`; none at all means raw. Parameters of the type are read over.
    /// - Throws: ``ServiceError/mediaType(_:)`` for any other type.
    package init(_ fields: HTTPFields) throws(ServiceError) {
        let values = fields[values: .contentType]
        guard let value = values.first else {
            self = .raw
            return
        }
        let essence = trimmed(value.prefix { $0 != ";" }).lowercased()
        guard values.count == 1, let kind = BodyKind(rawValue: essence) else {
            throw .mediaType("The Content-Type cannot be \(shortened(value)); allowed: \(Self.listing).")
        }
        self = kind
    }
}

/// How a request body is packed.
package enum ContentCoding: Sendable, Equatable {
    case identity, gzip
    /// The zlib format, as RFC 9110 §8.4.1.2 has it.
    case deflate

    static let listing = "gzip, x-gzip, deflate, identity"

    /// Reads `Content-Encoding`.
    /// - Throws: ``ServiceError/contentCoding(_:)`` for an unknown coding, and for two on one another.
    package init(_ fields: HTTPFields) throws(ServiceError) {
        let codings = fields[values: .contentEncoding].flatMap { $0.split(separator: ",") }
            .map { trimmed($0).lowercased() }.filter { !$0.isEmpty }
        guard codings.count <= 1 else {
            throw .contentCoding(
                "Two content codings on one another are not taken; allowed: one of \(Self.listing)."
            )
        }
        switch codings.first {
        case nil, "identity": self = .identity
        case "gzip", "x-gzip": self = .gzip
        case "deflate": self = .deflate
        case .some(let coding):
            throw .contentCoding(
                "The Content-Encoding cannot be \(shortened(coding)); allowed: \(Self.listing)."
            )
        }
    }
}

/// Without the spaces and tabs at both ends.
func trimmed(_ text: Substring) -> String {
    let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    var bytes = text.utf8
    while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
    while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    return String(Substring(bytes))
}
