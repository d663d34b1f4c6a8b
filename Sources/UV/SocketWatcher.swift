// SPDX-License-Identifier: Apache-2.0
import CUV

/// Calls back on the loop while a socket that somebody else reads and writes is ready.
///
/// The socket must outlive the watcher: close it only after ``LoopHandle/close(_:)`` was called.
package final class SocketWatcher: LoopHandle {
    private var ready: ((Result<Readiness, UVError>) -> Void)?

    /// What a socket can be ready for.
    package struct Readiness: OptionSet, Sendable {
        /// The bits, which mean nothing outside of this type.
        package let rawValue: Int32
        /// Makes a set of its bits.
        package init(rawValue: Int32) { self.rawValue = rawValue }
        /// Reading or accepting would not block.
        package static let readable = Readiness(rawValue: Int32(UV_READABLE.rawValue))
        /// Writing would not block, or a connect has ended.
        package static let writable = Readiness(rawValue: Int32(UV_WRITABLE.rawValue))
    }

    private var poll: UnsafeMutablePointer<uv_poll_t> { memory.assumingMemoryBound(to: uv_poll_t.self) }

    /// Makes a watcher that is not watching yet; sets the socket to non-blocking.
    /// - Parameters:
    ///   - loop: The caller is on it.
    ///   - socket: A descriptor that no other handle of the loop watches.
    ///   - ready: Called again and again while the socket is ready (level-triggered).
    /// - Throws: ``UVError``: the descriptor cannot be polled, or the loop is closing. C function: `uv_poll_init`.
    package init(
        loop: EventLoop,
        socket: Int32,
        ready: @escaping (Result<Readiness, UVError>) -> Void
    ) throws(UVError) {
        self.ready = ready
        try super.init(.socketWatcher, loop: loop, type: UV_POLL, call: "uv_poll_init") { uv, memory in
            uv_poll_init(uv, memory.assumingMemoryBound(to: uv_poll_t.self), socket)
        }
    }

    /// Watches for `readiness`, in place of what was watched for before.
    /// - Throws: ``UVError`` `ECANCELED` when the watcher is closed. C function: `uv_poll_start`.
    package func start(_ readiness: Readiness) throws(UVError) {
        try checkOpen("uv_poll_start")
        try checked(uv_poll_start(poll, readiness.rawValue, socketReady), "uv_poll_start")
    }

    /// Watches for nothing, until started again. C function: `uv_poll_stop`.
    package func stop() {
        guard isOpen else { return }
        uv_poll_stop(poll)
    }

    override func willClose() { ready = nil }

    fileprivate func becameReady(_ status: Int32, _ events: Int32) {
        ready?(
            status < 0
                ? .failure(UVError(code: status, call: "uv_poll")) : .success(Readiness(rawValue: events))
        )
    }
}

private func socketReady(_ handle: UnsafeMutablePointer<uv_poll_t>?, _ status: Int32, _ events: Int32) {
    owner(handle?.pointee.data, as: SocketWatcher.self)?.becameReady(status, events)
}
