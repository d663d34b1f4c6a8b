// SPDX-License-Identifier: Apache-2.0

/// The parameters of a query: `name=value`, separated by `&` alone, each name at most once, none empty.
struct QueryString {
    private(set) var parameters: [(name: String, value: String)] = []

    /// - Throws: ``ServiceError/parameter(_:_:)`` naming the first parameter that is wrong. No query, or an
    ///   empty one, is not an error.
    init(_ raw: String?) throws(ServiceError) {
        guard let raw, !raw.isEmpty else { return }
        for piece in raw.split(separator: "&", omittingEmptySubsequences: false) {
            let halves = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(halves[0]), halves.count < 2 || percentDecoded(halves[1]) != nil
            else {
                throw .parameter(
                    shortened(String(halves[0])),
                    "it is not percent-encoded UTF-8; write % as %25, and no control characters."
                )
            }
            guard !name.isEmpty else {
                throw .parameter(
                    shortened(String(piece)),
                    "it has no name; write name=value, separated by &."
                )
            }
            guard halves.count == 2, let value = percentDecoded(halves[1]), !value.isEmpty else {
                throw .parameter(
                    shortened(name),
                    "it has no value; write \(shortened(name))=value, or leave it out."
                )
            }
            guard !parameters.contains(where: { $0.name == name }) else {
                throw .parameter(shortened(name), "it stands there twice; once is right.")
            }
            // Any more of them cannot be known, so the search above stays short.
            guard parameters.count < 32 else {
                throw .parameter(shortened(name), "it is the 33rd; there are not so many.")
            }
            parameters.append((name, value))
        }
    }
}

/// Quotes input in a message without repeating more than a line of it.
func shortened(_ text: String) -> String {
    text.count <= 64 ? text : text.prefix(64) + "…"
}
