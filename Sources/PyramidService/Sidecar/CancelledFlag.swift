// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Tells work on a lane that nobody waits for it any more.
final class CancelledFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isCancelled: Bool { flag.load(ordering: .relaxed) }

    func cancel() { flag.store(true, ordering: .relaxed) }
}
