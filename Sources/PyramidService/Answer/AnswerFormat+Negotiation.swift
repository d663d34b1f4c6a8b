// SPDX-License-Identifier: Apache-2.0
package import ChunkCodecs
package import HTTPTypes

extension AnswerFormat {
    var mediaType: String {
        switch self {
        case .npz: "application/zip"
        case .npy: "application/x-npy"
        case .multipart: "multipart/mixed"
        case .raw: "application/octet-stream"
        }
    }

    static let listing = AnswerFormat.allCases.map(\.mediaType).joined(separator: ", ")

    /// Returns the format that `Accept` wants most, npz where it does not say, and ours first where it does not
    /// care. A more specific range wins over a wider one (RFC 9110 §12.5.1).
    /// - Throws: ``ServiceError/notAcceptable(_:vary:)`` when it wants none of ours.
    package static func negotiated(_ fields: HTTPFields) throws(ServiceError) -> AnswerFormat {
        let values = fields[values: .accept]
        // A list without elements asks for nothing (RFC 9110 §5.6.1).
        guard values.contains(where: { !isEmptyList($0) }) else { return .npz }
        let items = QualityItem.list(values)
        var best: (format: AnswerFormat, quality: Int)?
        for format in AnswerFormat.allCases {
            let type = format.mediaType
            let ranges = [type, type.prefix { $0 != "/" } + "/*", "*/*"]
            let matches = ranges.compactMap { range in items.last { $0.name == range } }
            guard let quality = matches.first?.quality, quality > (best?.quality ?? 0) else { continue }
            best = (format, quality)
        }
        guard let best else {
            throw .notAcceptable(
                "Nothing here is what Accept wants; there are \(listing).",
                vary: AnswerCoding.varyBesideFormat
            )
        }
        return best.format
    }
}

/// How an answer is packed.
package enum AnswerCoding: Sendable {
    case identity, gzip

    /// `Vary` of what is negotiated by its coding alone.
    package static let vary = "Accept-Encoding"
    /// `Vary` of what is negotiated by its format too.
    static let varyBesideFormat = "Accept, Accept-Encoding"

    /// Returns gzip where the client takes it and does not like it less than no coding; `vary` is what was negotiated.
    /// - Throws: ``ServiceError/notAcceptable(_:vary:)`` when it takes neither.
    package static func negotiated(
        _ fields: HTTPFields,
        vary: String = AnswerCoding.vary
    ) throws(ServiceError) -> AnswerCoding {
        let items = QualityItem.list(fields[values: .acceptEncoding])
        let anything = items.last { $0.name == "*" }?.quality
        let gzip = items.last { $0.name == "gzip" || $0.name == "x-gzip" }?.quality ?? anything ?? 0
        let identity = items.last { $0.name == "identity" }?.quality
        if gzip > 0, gzip >= identity ?? 0 { return .gzip }
        guard identity ?? anything ?? 1 > 0 else {
            throw .notAcceptable(
                "Accept-Encoding takes nothing that there is; there are gzip and identity.",
                vary: vary
            )
        }
        return .identity
    }
}

private func isEmptyList(_ value: String) -> Bool { value.utf8.allSatisfy(", \t".utf8.contains) }

/// Whether `Prefer` (RFC 7240) asks for the answer to begin before the upload has ended.
///
/// An empty value is as good as none (§2).
package func prefersRespondEarly(_ fields: HTTPFields) -> Bool {
    fields[values: .prefer].flatMap { $0.split(separator: ",") }.contains { preference in
        let halves = preference.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
        guard let name = halves.first, trimmed(name).lowercased() == "respond-early" else { return false }
        return halves.count < 2 || ["", "\"\""].contains(trimmed(halves[1]))
    }
}
