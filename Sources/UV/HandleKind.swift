// SPDX-License-Identifier: Apache-2.0

/// The kinds of handle that a loop counts, so that a forgotten one has a name.
package enum HandleKind: String, Hashable, Sendable, CaseIterable {
    /// A ``ByteStream`` over TCP.
    case tcpStream
    /// A ``ByteStream`` over a Unix socket.
    case pipeStream
    /// A ``SocketWatcher``, one of which is in every ``Listener``.
    case socketWatcher
    /// A ``LoopTimer``, one of which is in every ``Listener``.
    case timer
    /// A ``SignalWatcher``.
    case signal
}
