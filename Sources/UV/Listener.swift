// SPDX-License-Identifier: Apache-2.0
import CUV
import Glibc

/// Accepts connections on a TCP port or a Unix socket.
///
/// Accepts by itself instead of through `uv_listen`: libuv answers a full descriptor table by accepting and dropping
/// whatever waits; here it waits in the backlog until a descriptor is free.
package final class Listener {
    /// Which listeners of this process may have the same TCP port; a port of another process is never shared.
    package enum PortSharing: Hashable, Sendable {
        /// None.
        case none
        /// This one is the first; others may join it.
        case begins
        /// This one joins one that ``begins``.
        case joins
    }

    /// What a listener is given besides its endpoint.
    package struct Options: Hashable, Sendable {
        /// How many connections the kernel holds before they are accepted; it may hold fewer (`somaxconn`).
        package var backlog: Int32 = 1024
        /// Whether several listeners, one for each loop, share the port (`SO_REUSEPORT`). TCP only.
        package var portSharing = PortSharing.none
        /// How long to wait when the process or the system has no descriptor left.
        package var pauseWhenExhausted: Duration = .milliseconds(100)
        /// The defaults.
        package init() {}
    }

    /// How many connections are accepted before other handles have their turn.
    private static let acceptsPerWakeUp = 64

    /// What it is bound to; with the port that the system chose when 0 was asked for.
    package let endpoint: Endpoint
    /// How often accepting had to pause because no descriptor, buffer or memory was left.
    package private(set) var exhaustions = 0

    private let loop: EventLoop
    private let options: Options
    private var socket: ListeningSocket?
    private var watcher: SocketWatcher?
    private var retry: LoopTimer?
    private var accepted: ((ByteStream) -> Void)?
    private var isPaused = false

    /// Binds, listens, and accepts from now on.
    ///
    /// A stale Unix socket, one that nobody listens on, is removed first; another kind of file never is.
    /// - Parameters:
    ///   - loop: The caller is on it.
    ///   - endpoint: Port 0 lets the system choose; ask ``endpoint`` for its choice.
    ///   - options: The backlog and such.
    ///   - accepted: Called on the loop with each new connection, which the callee must close.
    /// - Throws: ``UVError``: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, an unknown host …; `ECANCELED` when the loop is closing.
    package init(
        loop: EventLoop,
        endpoint: Endpoint,
        options: Options = Options(),
        accepted: @escaping (ByteStream) -> Void
    ) throws(UVError) {
        let socket = try ListeningSocket(
            endpoint,
            backlog: options.backlog,
            portSharing: options.portSharing
        )
        self.endpoint = socket.endpoint
        self.loop = loop
        self.options = options
        self.socket = socket
        self.accepted = accepted
        let watcher = try SocketWatcher(loop: loop, socket: socket.descriptor) { [weak self] _ in
            self?.acceptSome()
        }
        self.watcher = watcher
        do {
            retry = try LoopTimer(loop: loop) { [weak self] in self?.watch() }
            try watcher.start(.readable)
        } catch {
            close()
            throw error
        }
    }

    deinit { assert(watcher == nil, "a listener was dropped without being closed") }

    /// Whether it has not been closed.
    package var isOpen: Bool { watcher != nil }

    /// Leaves new connections in the backlog until ``resume()``; for a limit on connections.
    package func pause() {
        isPaused = true
        watcher?.stop()
    }

    /// Accepts again.
    package func resume() {
        isPaused = false
        watch()
    }

    /// Stops listening, removes the Unix socket's file, and calls back when all of it is gone.
    package func close(_ completion: (() -> Void)? = nil) {
        accepted = nil
        retry?.close()
        retry = nil
        guard let watcher, let socket else {
            completion?()
            return
        }
        self.watcher = nil
        self.socket = nil
        // The descriptor must outlive the watcher's use of it; the file's name goes with it.
        watcher.close {
            withExtendedLifetime(socket) {}
            completion?()
        }
    }

    /// Stops listening and returns when all of it is gone.
    package func closed() async {
        await withCheckedContinuation { continuation in close { continuation.resume() } }
    }

    private func watch() {
        guard let watcher, !isPaused else { return }
        do {
            try watcher.start(.readable)
        } catch {
            retry?.start(after: options.pauseWhenExhausted)
        }
    }

    private func acceptSome() {
        for _ in 0..<Self.acceptsPerWakeUp {
            guard let socket, !isPaused else { return }
            var descriptor: Int32 = -1
            let peer = SocketAddress { address, length in
                let flags = SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
                descriptor = accept4(socket.descriptor, address, length, Int32(flags))
            }
            if descriptor >= 0 {
                handOver(descriptor, peer)
                continue
            }
            switch errno {
            case EAGAIN: return
            case EINTR, ECONNABORTED, EPROTO: continue
            default:
                // EMFILE, ENFILE, ENOBUFS, ENOMEM, and whatever we do not know: the socket stays readable, so
                // trying again at once would spin.
                return rest()
            }
        }
    }

    private func handOver(_ descriptor: Int32, _ peer: SocketAddress) {
        let stream: ByteStream
        do {
            stream = try ByteStream(loop: loop, adopting: descriptor, peer: peer)
        } catch {
            return rest()
        }
        guard let accepted else { return stream.close() }
        accepted(stream)
    }

    private func rest() {
        exhaustions += 1
        watcher?.stop()
        retry?.start(after: options.pauseWhenExhausted)
    }
}
