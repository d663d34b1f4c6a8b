// SPDX-License-Identifier: Apache-2.0

/// A piece of a YAML document that remembers its line.
struct YAMLNode: Equatable, Sendable {
    enum Value: Equatable, Sendable {
        /// A scalar as it was written; `isQuoted` tells `"null"` from `null`.
        case scalar(String, isQuoted: Bool)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    struct Entry: Equatable, Sendable {
        let key: String
        let line: Int
        let node: YAMLNode
    }

    let line: Int
    let value: Value

    /// `null`, `~` and nothing at all, unquoted.
    var isNull: Bool {
        guard case .scalar(let text, isQuoted: false) = value else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }

    /// What it is, for messages.
    var kind: String {
        switch value {
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
