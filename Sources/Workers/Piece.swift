// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Names a piece of work to whoever wants it withdrawn, which may be before it exists.
package final class WorkTicket: Sendable {
    private let withdrawn = Atomic<Bool>(false)
    private let number = Atomic<Int>(0)

    package init() {}

    var isWithdrawn: Bool { withdrawn.load(ordering: .acquiring) }

    /// Which of all that ever came into the line it is, from 1; 0: it was never there. For the line's owner alone.
    var place: Int {
        get { number.load(ordering: .relaxed) }
        set { number.store(newValue, ordering: .relaxed) }
    }

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
/// Its owner bounds it. Leaving out of turn is logarithmic in its length, in the mean: many leave at a time, when what
/// they were parts of is given up.
struct PieceLine {
    private struct Slot {
        let place: Int
        /// Nil where it has left, so that nothing a finished piece holds is kept.
        var piece: Piece?
    }

    /// In order of their places.
    private var slots: [Slot] = []
    private var head = 0
    private var last = 0

    private(set) var count = 0

    mutating func append(_ piece: Piece) {
        // At least half of the slots are those of pieces, or there are few.
        if slots.count >= 2 * count + 16 {
            slots.removeAll { $0.piece == nil }
            head = 0
        }
        last += 1
        piece.ticket.place = last
        slots.append(Slot(place: last, piece: piece))
        count += 1
    }

    mutating func popFirst() -> Piece? {
        while head < slots.count {
            let piece = slots[head].piece.take()
            head += 1
            guard let piece else { continue }
            leave()
            return piece
        }
        return nil
    }

    mutating func remove(_ ticket: WorkTicket) -> Piece? {
        let place = ticket.place
        guard place > 0 else { return nil }
        var (low, high) = (head, slots.count)
        while low < high {
            let middle = low + (high - low) / 2
            if slots[middle].place < place { low = middle + 1 } else { high = middle }
        }
        guard low < slots.count, slots[low].place == place, let piece = slots[low].piece.take() else {
            return nil
        }
        leave()
        return piece
    }

    private mutating func leave() {
        count -= 1
        guard count == 0 else { return }
        slots.removeAll(keepingCapacity: true)
        head = 0
    }
}
