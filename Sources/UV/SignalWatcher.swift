// SPDX-License-Identifier: Apache-2.0
import CUV
import Glibc

/// The signals that a service answers.
package enum ProcessSignal: Hashable, Sendable, CaseIterable {
    /// SIGTERM: end in good order.
    case terminate
    /// SIGINT: Ctrl-C.
    case interrupt
    /// SIGHUP: the terminal is gone, or "read your configuration again".
    case hangUp

    /// As the system has it.
    package var number: Int32 {
        switch self {
        case .terminate: SIGTERM
        case .interrupt: SIGINT
        case .hangUp: SIGHUP
        }
    }

    /// Whether the process was told to ignore it, as `nohup` and shells do for what runs in the background.
    ///
    /// C function: `sigaction`.
    package var isIgnored: Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        // Handlers cannot be compared; both are pointers, and SIG_IGN is one that no function has.
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}

/// Calls back on the loop for each arrival of a signal, in place of the signal's default action, until it is closed.
package final class SignalWatcher: LoopHandle {
    private var received: (() -> Void)?

    /// Watches for `signal` from now on.
    /// - Throws: ``UVError`` when the loop is closing or the system refuses the handler. C function: `uv_signal_start`.
    package init(loop: EventLoop, signal: ProcessSignal, received: @escaping () -> Void) throws(UVError) {
        self.received = received
        try super.init(.signal, loop: loop, type: UV_SIGNAL, call: "uv_signal_init") { uv, memory in
            uv_signal_init(uv, memory.assumingMemoryBound(to: uv_signal_t.self))
        }
        let code = uv_signal_start(
            memory.assumingMemoryBound(to: uv_signal_t.self),
            signalArrived,
            signal.number
        )
        guard code == 0 else {
            close()
            throw UVError(code: code, call: "uv_signal_start")
        }
    }

    override func willClose() { received = nil }

    fileprivate func arrived() { received?() }
}

private func signalArrived(_ handle: UnsafeMutablePointer<uv_signal_t>?, _: Int32) {
    owner(handle?.pointee.data, as: SignalWatcher.self)?.arrived()
}
