// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Synchronization

/// Bounds the engine's spare memory by what requests leave of the budget, and gives it back to the system when no
/// pyramid has ended for a while.
///
/// One task waits at a time, however many pyramids end.
final class SpareMemoryWatch: Sendable {
    private static let quiet = Duration.seconds(5)
    /// The share of the budget that may lie spare.
    private static let share = 4

    private struct State {
        var endedCount = 0
        var isWaiting = false
    }

    private let plans: RecentPlans
    private let state = Mutex(State())

    init(_ plans: RecentPlans) { self.plans = plans }

    /// Settles how much may lie spare, whenever what is admitted has changed: spare memory and that of the admitted
    /// are within the budget together.
    func admissionChanged(_ admission: Admission) {
        let free = admission.budget - admission.load.admittedBytes
        VoxelBuffer.limitSpareMemory(to: min(free, admission.budget / Self.share))
    }

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
            if isQuiet {
                // First the engines, whose memory becomes spare.
                plans.forgetAnswers()
                return VoxelBuffer.releaseSpareMemory()
            }
            do { try await Task.sleep(for: Self.quiet) } catch { return }
        }
    }
}
