// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A flag that is raised once, by whoever wants some work ended, and read by the work between its steps.
///
/// A task's cancellation handler may run before the work exists; a flag made beforehand has no such gap.
package final class CancellationFlag: Sendable {
    private let raised = Atomic<Bool>(false)

    /// Makes a flag that is not raised.
    package init() {}

    /// Raises the flag; it stays up. Any thread may do so, any number of times.
    package func cancel() { raised.store(true, ordering: .relaxed) }

    /// Whether the flag is up. One relaxed load: cheap enough for a loop over slabs.
    package var isCancelled: Bool { raised.load(ordering: .relaxed) }
}
