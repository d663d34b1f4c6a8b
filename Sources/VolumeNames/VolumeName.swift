// SPDX-License-Identifier: Apache-2.0

/// What names of volumes look like: the keys of a configuration, parts of URLs, and names of folders.
package enum VolumeName {
    /// The rule as a regular expression, for messages and for the description of the API.
    package static let allowed = "[a-z0-9][a-z0-9._-]{0,127}"

    /// Whether `text` follows the rule; such a name is never hidden, never `..`, and has no slash.
    package static func isValid(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        return isPlain && (1...128).contains(text.utf8.count) && !".-_".contains(text.first ?? ".")
    }
}
