// SPDX-License-Identifier: Apache-2.0

package import Synchronization

/// What a server has done and is doing, for metrics; any thread may read it.
package final class ServerCounters: Sendable {
    /// Connections open now.
    package let connections = Atomic<Int>(0)
    /// Connections accepted so far, refused ones too.
    package let accepted = Atomic<Int>(0)
    /// Connections refused by a limit so far.
    package let refused = Atomic<Int>(0)
    /// Requests with the responder now.
    package let requestsInFlight = Atomic<Int>(0)
    /// Requests given to the responder so far.
    package let requests = Atomic<Int>(0)
    /// Requests answered by the server itself because they were no valid HTTP, so far.
    package let protocolErrors = Atomic<Int>(0)
    /// Bytes read from clients so far.
    package let bytesIn = Atomic<Int>(0)
    /// Bytes given to the kernel for clients so far.
    package let bytesOut = Atomic<Int>(0)

    private let addresses = Mutex<[String: Int]>([:])

    package init() {}

    /// Counts a connection from `address`, unless it already has `limit` of them.
    func admit(_ address: String, limit: Int) -> Bool {
        addresses.withLock { counts in
            let count = counts[address, default: 0]
            guard count < limit else { return false }
            counts[address] = count + 1
            return true
        }
    }

    /// Takes back one ``admit(_:limit:)`` that was granted.
    func release(_ address: String) {
        addresses.withLock { counts in
            guard let count = counts[address] else { return }
            counts[address] = count > 1 ? count - 1 : nil
        }
    }
}

extension Atomic<Int> {
    func add(_ amount: Int) { wrappingAdd(amount, ordering: .relaxed) }

    func subtract(_ amount: Int) { wrappingSubtract(amount, ordering: .relaxed) }

    /// The value now.
    package var value: Int { load(ordering: .relaxed) }
}
