// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Whether requests are welcome, as `/readyz` tells it.
package final class Readiness: Sendable {
    package enum State: String, Sendable {
        case starting, ready, draining
    }

    private let current = Mutex(State.starting)

    package init() {}

    package var state: State { current.withLock { $0 } }

    package func become(_ state: State) { current.withLock { $0 = state } }
}
