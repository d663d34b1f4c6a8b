// SPDX-License-Identifier: Apache-2.0

/// How much one stream may still move in this turn of its loop, so that what others wait for it is bounded.
///
/// A peer on the same machine empties the kernel's buffer as fast as it is filled, so a call for much may go on for as
/// long as that takes: 128 MiB in one `writev` kept a loop for 30 ms.
struct TurnBudget {
    /// What a turn allows. Copying it takes about 0.2 ms.
    static let bytes = 1 << 20

    private var turn: UInt = 0
    private var spent = 0

    /// What is left in `turn`, as ``EventLoop/turn`` counts them; may be below 0, when the last call moved more.
    mutating func left(in turn: UInt) -> Int {
        if self.turn != turn {
            self.turn = turn
            spent = 0
        }
        return Self.bytes - spent
    }

    /// Counts bytes that were moved in the turn that was asked about last.
    mutating func spend(_ bytes: Int) { spent += bytes }
}
