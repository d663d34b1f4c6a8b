// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Synchronization

/// Gives the engine's spare memory back to the system when no pyramid has ended for a while.
///
/// One task waits at a time, however many pyramids end.
final class SpareMemoryWatch: Sendable {
    private static let quiet = Duration.seconds(5)

    private struct State {
        var endedCount = 0
        var isWaiting = false
    }

    private let state = Mutex(State())

    func pyramidEnded() {
        let begins = state.withLock { state in
            state.endedCount += 1
            defer { state.isWaiting = true }
            return !state.isWaiting
        }
        guard begins else { return }
        Task { await wait() }
    }

    @concurrent
    private func wait() async {
        var seen = -1
        while true {
            let isQuiet = state.withLock { state in
                guard state.endedCount == seen else {
                    seen = state.endedCount
                    return false
                }
                state.isWaiting = false
                return true
            }
            if isQuiet { return VoxelBuffer.releaseSpareMemory() }
            do { try await Task.sleep(for: Self.quiet) } catch { return }
        }
    }
}
