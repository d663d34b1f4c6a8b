// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import Synchronization

/// Writes lines to a descriptor on a queue of its own, so that a slow log never holds up a loop.
///
/// Bounded: what does not fit is dropped and counted, and the count is the next line.
package final class LogSink: Sendable {
    static let maxPendingBytes = 1 << 20

    private struct State {
        var pending: [UInt8] = []
        var isWriting = false
        var dropped = 0
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "pyramidion.log")

    package init(descriptor: Int32 = STDERR_FILENO) {
        self.descriptor = descriptor
    }

    /// Takes one line, which ends in a line feed.
    func append(_ line: [UInt8]) {
        let mustStart = state.withLock { state in
            guard state.pending.count + line.count <= Self.maxPendingBytes else {
                state.dropped += 1
                return false
            }
            state.pending += line
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { queue.async { self.drain() } }
    }

    /// Returns when everything that was appended before has been written, or after `limit`: a pipe that nobody reads
    /// does not keep the process from ending.
    package func flush(within limit: Duration = .seconds(2)) {
        let written = DispatchSemaphore(value: 0)
        queue.async {
            self.drain()
            written.signal()
        }
        let nanoseconds = Int(limit / .nanoseconds(1))
        _ = written.wait(timeout: .now() + .nanoseconds(nanoseconds))
    }

    private func drain() {
        while true {
            let bytes = state.withLock { state in
                var bytes = state.pending
                state.pending = []
                if state.dropped > 0 { bytes += Array("(\(state.dropped) log lines were dropped)\n".utf8) }
                state.dropped = 0
                state.isWriting = !bytes.isEmpty
                return bytes
            }
            if bytes.isEmpty { return }
            writeAll(bytes)
        }
    }

    /// A log that cannot be written has nobody to tell. C function: `write`.
    private func writeAll(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}
