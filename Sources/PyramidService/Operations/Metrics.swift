// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Synchronization
import Voxels

/// What the service counts; one short lock a request.
package final class Metrics: Sendable {
    /// The requests of one route.
    struct Series {
        var outcomes: [Outcome: Int] = [:]
        var durations = Histogram.seconds
        var receivedBytes = Histogram.bytes
        var sentBytes = Histogram.bytes
    }

    struct Outcome: Hashable {
        let method: String
        let status: Int
    }

    struct VoxelKey: Hashable {
        let method: String
        let dtype: String
    }

    struct State {
        /// By route. Every label comes from a closed set, so that input cannot make series without end.
        var requests: [String: Series] = [:]
        var voxels: [VoxelKey: Int] = [:]
        var refusals: [String: Int] = [:]
        var inflated = Packing()
        var deflated = Packing()
    }

    /// Bytes as they travelled, and as they were without compression.
    struct Packing {
        var packed = 0
        var plain = 0
    }

    private let state = Mutex(State())

    package init() {}

    var snapshot: State { state.withLock { $0 } }

    func finished(route: String, method: String, status: Int, seconds: Double, received: Int, sent: Int) {
        let outcome = Outcome(method: method, status: status)
        state.withLock { state in
            state.requests[route, default: Series()].observe(outcome, seconds, received, sent)
        }
    }

    func reduced(_ spec: PyramidSpec) {
        let key = VoxelKey(method: spec.method.rawValue, dtype: spec.type.rawValue)
        state.withLock { $0.voxels[key, default: 0] += spec.shape.voxelCount }
    }

    func refused(limit: String) {
        state.withLock { $0.refusals[limit, default: 0] += 1 }
    }

    func inflated(packed: Int, plain: Int) {
        state.withLock {
            $0.inflated.packed += packed
            $0.inflated.plain += plain
        }
    }

    func deflated(plain: Int, packed: Int) {
        state.withLock {
            $0.deflated.packed += packed
            $0.deflated.plain += plain
        }
    }
}

extension Metrics.Series {
    fileprivate mutating func observe(
        _ outcome: Metrics.Outcome,
        _ seconds: Double,
        _ received: Int,
        _ sent: Int
    ) {
        outcomes[outcome, default: 0] += 1
        durations.observe(seconds)
        receivedBytes.observe(Double(received))
        sentBytes.observe(Double(sent))
    }
}
