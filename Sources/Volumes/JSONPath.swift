// SPDX-License-Identifier: Apache-2.0

/// Where a member stands, as `scales[2].chunk_sizes[0][1]`; the root is empty.
struct JSONPath {
    let text: String

    static let root = JSONPath(text: "")

    func member(_ name: String) -> JSONPath {
        JSONPath(text: text.isEmpty ? Self.shown(name) : "\(text).\(Self.shown(name))")
    }

    func element(_ index: Int) -> JSONPath { JSONPath(text: "\(text)[\(index)]") }

    /// A name that may come from outside, in a message.
    static func shown(_ name: String) -> String {
        let isPlain =
            name.utf8.count <= 64 && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x60 }
        return isPlain ? name : JSONValue.string(name).excerpt
    }
}
