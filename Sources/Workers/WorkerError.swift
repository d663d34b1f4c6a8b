// SPDX-License-Identifier: Apache-2.0

/// Why a pool did not do the work it was given.
package enum WorkerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// All lanes are busy and `limit` pieces of work wait already; later there may be room.
    case queueFull(limit: Int)
    /// The pool takes no more work.
    case stopped

    /// A sentence for logs.
    package var description: String {
        switch self {
        case .queueFull(let limit): "all lanes are busy and \(limit) pieces of work wait already"
        case .stopped: "the worker pool has been stopped"
        }
    }
}
