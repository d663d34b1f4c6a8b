// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What one request may spend on making a chunk through all the levels below it.
///
/// A chunk's missing parents are made one after another, and side by side as far as there are spare hands. So at
/// most `1 + spareHands` chunks of each level are in work for one request, and its memory is known beforehand.
package final class MakingChain: Sendable {
    private let spare: Mutex<Int>

    package init(spareHands: Int) { spare = Mutex(spareHands) }

    /// Takes a spare hand if there is one; give it back with ``giveBack()``.
    func take() -> Bool {
        spare.withLock { spare in
            guard spare > 0 else { return false }
            spare -= 1
            return true
        }
    }

    func giveBack() { spare.withLock { $0 += 1 } }
}
