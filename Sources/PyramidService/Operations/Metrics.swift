// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Synchronization
import Voxels

/// What the service counts; one short lock a request.
package final class Metrics: Sendable {
    /// Every label comes from a closed set, so that input cannot make series without end.
    struct RequestKey: Hashable {
        let route: String
        let method: String
        let status: Int
    }

    struct VoxelKey: Hashable {
        let method: String
        let dtype: String
    }

    struct State {
        var requests: [RequestKey: Int] = [:]
        var durations: [String: Histogram] = [:]
        var receivedBytes: [String: Histogram] = [:]
        var sentBytes: [String: Histogram] = [:]
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
        state.withLock { state in
            state.requests[RequestKey(route: route, method: method, status: status), default: 0] += 1
            state.durations[route, default: .seconds].observe(seconds)
            state.receivedBytes[route, default: .bytes].observe(Double(received))
            state.sentBytes[route, default: .bytes].observe(Double(sent))
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
