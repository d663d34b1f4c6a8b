// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Somebody's right to write the volume of a name.
struct UploadClaim: Sendable {
    let name: String
    /// Whether there is a volume that will be replaced or removed.
    let replaces: Bool
    let progress = UploadProgress()
}

/// How far an upload is.
final class UploadProgress: Sendable {
    struct State: Sendable {
        var receivedBytes = 0
        /// `nil`: not known yet.
        var expectedBytes: Int?
        var finishedLevels = 0
        var levelCount = 0
    }

    private let state = Mutex(State())

    var current: State { state.withLock { $0 } }

    func update(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

    func begin(expectedBytes: Int, levelCount: Int) {
        update {
            $0.expectedBytes = expectedBytes
            $0.levelCount = levelCount
        }
    }
}
