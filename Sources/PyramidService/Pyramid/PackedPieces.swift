// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Pieces of a compressed body between who reads them, on a loop, and who inflates them, on a lane.
///
/// A slot's memory belongs to the reader while it has the slot, from ``takeFreeSlot()`` to ``append(slot:_:)``, and to
/// the inflater from then until it has taken the piece's last byte.
final class PackedPieces: Sendable {
    private struct Piece {
        let slot: Int
        let memory: Lent
        var begin = 0
    }

    private struct State {
        var waiting: [Piece] = []
        var freeSlots: [Int] = []
        var begunBytes = 0
    }

    private let state = Mutex(State())

    /// Whether nothing waits to be inflated.
    var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

    /// Bytes of all pieces that the inflater has begun; what was read ahead is not in them.
    var begunBytes: Int { state.withLock { $0.begunBytes } }

    /// Bytes that wait to be inflated.
    var waitingBytes: Int {
        state.withLock { $0.waiting.reduce(0) { $0 + $1.memory.memory.count - $1.begin } }
    }

    func add(freeSlots slots: Range<Int>) { state.withLock { $0.freeSlots += slots } }

    func takeFreeSlot() -> Int? { state.withLock { $0.freeSlots.popLast() } }

    func giveBack(slot: Int) { state.withLock { $0.freeSlots.append(slot) } }

    /// Puts what was read into a slot behind all other pieces; `memory` is not empty.
    func append(slot: Int, _ memory: Lent) {
        state.withLock { $0.waiting.append(Piece(slot: slot, memory: memory)) }
    }

    /// What of the first piece is not yet inflated.
    func first() -> Lent? {
        state.withLock { state in
            guard let piece = state.waiting.first else { return nil }
            if piece.begin == 0 { state.begunBytes += piece.memory.memory.count }
            return Lent(UnsafeMutableRawBufferPointer(rebasing: piece.memory.memory[piece.begin...]))
        }
    }

    /// Notes that the first `count` bytes of ``first()`` are inflated; returns whether that was all of them.
    func consume(_ count: Int) -> Bool {
        state.withLock { state in
            guard count > 0, !state.waiting.isEmpty else { return false }
            state.waiting[0].begin += count
            guard state.waiting[0].begin >= state.waiting[0].memory.memory.count else { return false }
            state.freeSlots.append(state.waiting.removeFirst().slot)
            return true
        }
    }
}
