// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What the sidecar has done so far, for metrics.
package final class SidecarCounters: Sendable {
    package struct Counts: Sendable, Equatable {
        /// Chunks made here.
        package var made = 0
        /// Chunks made that could not be kept.
        package var unkept = 0
        /// Objects read from sources, and their bytes as they travelled.
        package var sourceObjects = 0
        package var sourceBytes = 0
        /// Objects that were broken or could not be fetched.
        package var sourceFailures = 0
    }

    private let state = Mutex(Counts())

    package var counts: Counts { state.withLock { $0 } }

    func made() { state.withLock { $0.made += 1 } }

    func notKept() { state.withLock { $0.unkept += 1 } }

    func read(bytes: Int) {
        state.withLock {
            $0.sourceObjects += 1
            $0.sourceBytes += bytes
        }
    }

    func sourceFailed() { state.withLock { $0.sourceFailures += 1 } }
}
