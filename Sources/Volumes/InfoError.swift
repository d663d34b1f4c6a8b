// SPDX-License-Identifier: Apache-2.0

/// Why an `info`, a plan of levels or an upload's description is refused.
///
/// Messages are one line of printable ASCII of at most a few hundred bytes: what stands there is shortened and escaped.
package enum InfoError: Error, Equatable, Sendable {
    /// More bytes than are read.
    case tooLong(byteCount: Int, limit: Int)
    /// Not JSON, and what is wrong with it.
    case notJSON(String)
    /// A member that must be there.
    case missing(path: String, allowed: String)
    /// A member, or a parameter, that is something else than what is allowed. `found` is shortened JSON.
    case wrong(path: String, found: String, allowed: String)
    /// Levels that cannot be made: which setting it is about, why not, and what to do.
    case cannotPlan(String)

    /// One sentence: where, what is wrong, and what would be right.
    package var message: String {
        switch self {
        case .tooLong(let byteCount, let limit): "info is \(byteCount) bytes long; at most \(limit) are read"
        case .notJSON(let reason): "info is not JSON: \(reason)"
        case .missing(let path, let allowed): "`\(path)` is missing; it must be \(allowed)"
        case .wrong(let path, let found, let allowed): "`\(path)` is \(found); allowed: \(allowed)"
        case .cannotPlan(let reason): reason
        }
    }

    static func wrong(_ path: String, _ found: JSONValue, allowed: String) -> InfoError {
        .wrong(path: path, found: found.excerpt, allowed: allowed)
    }
}
