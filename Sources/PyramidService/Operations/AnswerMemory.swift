// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The memory of chunks that are being sent: each holds its bytes until its client has taken the last one.
///
/// Nobody waits for it: a client that takes its answer at once needs it for no time at all, and behind many that do not
/// there is no telling when some of it comes back.
package final class AnswerMemory: Sendable {
    package let budget: Int
    private let held = Atomic<Int>(0)

    package init(budget: Int) { self.budget = budget }

    /// Bytes of answers that are under way.
    package var heldBytes: Int { held.load(ordering: .relaxed) }

    /// Sets `byteCount` bytes aside, which ``leave(_:)`` gives back. An answer that is more than the whole budget goes
    /// when no other is under way.
    /// - Throws: ``ServiceError/overloaded(limit:_:)`` when there is no room for it; nothing is set aside then.
    func enter(_ byteCount: Int) throws(ServiceError) {
        let (before, after) = held.wrappingAdd(byteCount, ordering: .relaxed)
        guard after > budget, before > 0 else { return }
        leave(byteCount)
        throw .overloaded(
            limit: "limits.memory",
            "Clients that take their chunks slowly hold \(before) bytes of memory, and chunks under way may hold "
                + "\(budget)."
        )
    }

    func leave(_ byteCount: Int) { held.wrappingSubtract(byteCount, ordering: .relaxed) }
}
