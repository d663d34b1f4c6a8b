// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. libuv asks for memory and reads into it in one go; nothing comes between the two callbacks.
// 2. A read of 0 bytes is EAGAIN; the end is UV_EOF. After the end or an error nothing more is read.
// 3. Memory given to `uv_write` lives until its callback, which always comes: with ECANCELED when the stream is closed.
// 4. A stream reads and writes a `TurnBudget` a turn. Asked for memory beyond, it gives none, which libuv takes for
//    the end of this turn's reading.
// 5. Write with `uv_try_write` first, and only what it leaves is queued. So bytes never overtake: while something is
//    queued, `uv_try_write` takes nothing.
import CUV
import Glibc

/// A connection over TCP or a Unix socket: bytes both ways, on its loop.
package final class ByteStream: LoopHandle {
    /// What a reader is told.
    package enum ReadEvent {
        /// Bytes that have arrived, at least one, in the memory that `destination` gave or in the loop's scratch
        /// buffer; the latter are valid until the callback returns.
        case bytes(UnsafeRawBufferPointer)
        /// The peer has sent all it will send; it may still read.
        case end
        /// The connection is broken (`ECONNRESET`, `ETIMEDOUT` …).
        case failed(UVError)
    }

    /// The other end.
    package let peer: SocketAddress
    private var destination: (() -> UnsafeMutableRawBufferPointer?)?
    private var received: ((ReadEvent) -> Void)?
    private var reading = TurnBudget()
    var writing = TurnBudget()
    /// How many bytes the kernel took or the queue holds.
    var submittedBytes = 0

    var stream: UnsafeMutablePointer<uv_stream_t> { memory.assumingMemoryBound(to: uv_stream_t.self) }

    /// Takes over a connected, non-blocking socket; on failure it is closed.
    init(loop: EventLoop, adopting descriptor: Int32, peer: SocketAddress) throws(UVError) {
        self.peer = peer
        let isPipe = peer.family != AF_INET && peer.family != AF_INET6
        do {
            try super.init(
                isPipe ? .pipeStream : .tcpStream,
                loop: loop,
                type: isPipe ? UV_NAMED_PIPE : UV_TCP,
                call: isPipe ? "uv_pipe_init" : "uv_tcp_init"
            ) { uv, memory in
                isPipe
                    ? uv_pipe_init(uv, memory.assumingMemoryBound(to: uv_pipe_t.self), 0)
                    : uv_tcp_init(uv, memory.assumingMemoryBound(to: uv_tcp_t.self))
            }
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
        let code =
            isPipe
            ? uv_pipe_open(memory.assumingMemoryBound(to: uv_pipe_t.self), descriptor)
            : uv_tcp_open(memory.assumingMemoryBound(to: uv_tcp_t.self), descriptor)
        guard code == 0 else {
            _ = Glibc.close(descriptor)
            close()
            throw UVError(code: code, call: isPipe ? "uv_pipe_open" : "uv_tcp_open")
        }
        // Answers are written whole; waiting for more would only delay their last part. Fails on nothing that matters.
        if !isPipe { uv_tcp_nodelay(memory.assumingMemoryBound(to: uv_tcp_t.self), 1) }
    }

    // MARK: Reading

    /// Whether bytes are being read.
    package var isReading: Bool { received != nil }

    /// Reads from now on, in place of an earlier reader.
    ///
    /// - Parameters:
    ///   - destination: Asked before each read for the memory to fill, which must stay valid until `received` is
    ///     called or the stream is closed. Nil or an empty buffer: the loop's scratch buffer is used. To stop the
    ///     flow call ``stopReading()``.
    ///   - received: Called on the loop for each read, then once for the end or an error. May stop or close.
    /// - Throws: ``UVError`` `ECANCELED` when the stream is closed. C function: `uv_read_start`.
    package func startReading(
        into destination: (() -> UnsafeMutableRawBufferPointer?)? = nil,
        _ received: @escaping (ReadEvent) -> Void
    ) throws(UVError) {
        try checkOpen("uv_read_start")
        let wasReading = self.received != nil
        if !wasReading { try checked(uv_read_start(stream, memoryWanted, readDone), "uv_read_start") }
        self.destination = destination
        self.received = received
    }

    /// Reads no more, until started again; what the peer sends waits in the kernel. C function: `uv_read_stop`.
    package func stopReading() {
        guard isOpen, received != nil else { return }
        loop.preconditionOnLoop()
        uv_read_stop(stream)
        destination = nil
        received = nil
    }

    fileprivate func allocate(_ buffer: UnsafeMutablePointer<uv_buf_t>) {
        if reading.left(in: loop.turn) <= 0 {
            buffer.pointee = uv_buf_t(base: nil, len: 0)
        } else if let own = destination?(), let base = own.baseAddress, !own.isEmpty {
            buffer.pointee = uv_buf_t(base: base.assumingMemoryBound(to: CChar.self), len: own.count)
        } else {
            let base = loop.scratch.baseAddress?.assumingMemoryBound(to: CChar.self)
            buffer.pointee = uv_buf_t(base: base, len: loop.scratch.count)
        }
    }

    fileprivate func readCompleted(_ count: Int, _ buffer: uv_buf_t) {
        // UV_ENOBUFS answers our own refusal of memory: what the socket holds is read in the next turn.
        guard let received, count != 0, count != Int(UV_ENOBUFS.rawValue) else { return }
        if count > 0 {
            reading.spend(count)
            // Held by this call: the callback may replace or drop the closure it is in.
            return received(.bytes(UnsafeRawBufferPointer(start: buffer.base, count: count)))
        }
        stopReading()
        let isEnd = count == Int(UV_EOF.rawValue)
        received(isEnd ? .end : .failed(UVError(code: Int32(clamping: count), call: "read")))
    }

    override func willClose() {
        destination = nil
        received = nil
    }

    // MARK: Half-closing

    /// Sends the end of our bytes behind all that is queued; reading goes on.
    /// - Parameter completion: Called when it is sent, or with the reason why not (`ENOTCONN`: the peer was faster;
    ///   `ECANCELED`: closed meanwhile). C function: `uv_shutdown`.
    package func shutdown(_ completion: @escaping (UVError?) -> Void) {
        do throws(UVError) {
            try checkOpen("uv_shutdown")
            try ShutdownRequest.start(stream, completion)
        } catch {
            completion(error)
        }
    }

    /// Sends the end of our bytes behind all that is queued, and returns when it is sent.
    package func shutdown() async throws(UVError) {
        let error: UVError? = await withCheckedContinuation { continuation in
            shutdown { continuation.resume(returning: $0) }
        }
        if let error { throw error }
    }
}

private func memoryWanted(
    _ handle: UnsafeMutablePointer<uv_handle_t>?,
    _: Int,
    _ buffer: UnsafeMutablePointer<uv_buf_t>?
) {
    guard let buffer else { return }
    owner(handle?.pointee.data, as: ByteStream.self)?.allocate(buffer)
}

private func readDone(
    _ handle: UnsafeMutablePointer<uv_stream_t>?,
    _ count: Int,
    _ buffer: UnsafePointer<uv_buf_t>?
) {
    guard let buffer else { return }
    owner(handle?.pointee.data, as: ByteStream.self)?.readCompleted(count, buffer.pointee)
}
