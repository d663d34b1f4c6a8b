// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Names a piece of work to whoever wants it withdrawn, which may be before it exists.
package final class WorkTicket: Sendable {
    private let withdrawn = Atomic<Bool>(false)

    package init() {}

    var isWithdrawn: Bool { withdrawn.load(ordering: .acquiring) }

    func withdraw() { withdrawn.store(true, ordering: .releasing) }
}

/// A piece of work in the pool's line.
struct Piece: Sendable {
    let ticket: WorkTicket
    /// Does the work, or tells the caller why it was refused; called exactly once.
    let finish: @Sendable (_ refusal: (any Error)?) -> Void
}

/// Pieces that wait, first in first out; any of them can leave.
///
/// Its owner bounds it. Leaving out of turn is linear in its length, and rare.
struct PieceLine {
    /// Slots that have been left are nil, so that nothing a finished piece holds is kept.
    private var pieces: [Piece?] = []
    private var head = 0

    var count: Int { pieces.count - head }

    mutating func append(_ piece: Piece) {
        if head > 0, head * 2 >= pieces.count {
            pieces.removeFirst(head)
            head = 0
        }
        pieces.append(piece)
    }

    mutating func popFirst() -> Piece? {
        guard head < pieces.count else { return nil }
        let piece = pieces[head].take()
        head += 1
        if head == pieces.count {
            pieces.removeAll(keepingCapacity: true)
            head = 0
        }
        return piece
    }

    mutating func remove(_ ticket: WorkTicket) -> Piece? {
        guard let index = pieces[head...].firstIndex(where: { $0?.ticket === ticket }) else { return nil }
        return pieces.remove(at: index)
    }
}
