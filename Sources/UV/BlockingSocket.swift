// SPDX-License-Identifier: Apache-2.0
import CUV
import Glibc

/// A client's connection that blocks its thread, within a time that is allowed for all of it.
///
/// For a health check and for tests; never for use on a loop.
package struct BlockingSocket: ~Copyable {
    private let descriptor: Int32
    private let deadline: ContinuousClock.Instant
    private let name: String

    /// Connects to `endpoint`; of several addresses of a host to the first that answers.
    /// - Parameters:
    ///   - endpoint: `0.0.0.0` and `::` reach the machine itself.
    ///   - timeout: For connecting and for all that is sent and received later, together.
    /// - Throws: ``UVError``: `ECONNREFUSED`, `ENOENT`, `ETIMEDOUT`, an unknown host …
    package init(connectingTo endpoint: Endpoint, timeout: Duration) throws(UVError) {
        deadline = .now + timeout
        name = endpoint.description
        descriptor = try Self.connected(endpoint, deadline: deadline)
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Sends all of `bytes`.
    /// - Throws: ``UVError``: `EPIPE`, `ECONNRESET`, `ETIMEDOUT`.
    package func send(_ bytes: [UInt8]) throws(UVError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                Glibc.send(
                    descriptor,
                    all.baseAddress?.advanced(by: sent),
                    all.count - sent,
                    Int32(truncatingIfNeeded: MSG_NOSIGNAL)
                )
            }
            if count >= 0 {
                sent += count
            } else {
                try waitOrThrow(errno, for: POLLOUT, call: "send(\(name))")
            }
        }
    }

    /// Waits for bytes and returns at most `limit` of them; none means that the peer has sent all it will send.
    /// - Throws: ``UVError``: `ECONNRESET`, `ETIMEDOUT`.
    package func receive(upTo limit: Int = 64 << 10) throws(UVError) -> [UInt8] {
        precondition(limit > 0, "to receive nothing looks like the end")
        while true {
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
                count = recv(descriptor, buffer.baseAddress, limit, 0)
                filled = max(0, count)
            }
            guard count < 0 else { return bytes }
            try waitOrThrow(errno, for: POLLIN, call: "recv(\(name))")
        }
    }

    /// Sends the end of our bytes; receiving goes on. C function: `shutdown`.
    package func finishSending() {
        _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Breaks the connection: the peer sees a reset, or on a Unix socket the end; nothing can be sent or received then.
    ///
    /// C functions: `setsockopt` with `SO_LINGER` and a time of 0, and `connect` to no address.
    package func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &linger,
            socklen_t(MemoryLayout<Glibc.linger>.size)
        )
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        _ = Glibc.connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
        _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func waitOrThrow(_ code: Int32, for event: Int32, call: String) throws(UVError) {
        guard code != EINTR else { return }
        guard code == EAGAIN else { throw UVError(code: code, call: call) }
        try Self.wait(descriptor, for: event, deadline: deadline, call: call)
    }

    private static func connected(
        _ endpoint: Endpoint,
        deadline: ContinuousClock.Instant
    ) throws(UVError) -> Int32 {
        let addresses: [SocketAddress]
        switch endpoint {
        case .tcp(let host, let port):
            addresses = try SocketAddress.resolve(host: host, port: port, toListen: false)
        case .unix(let path):
            addresses = [try SocketAddress(unixPath: path)]
        }
        var failure = UVError(code: UV_EADDRNOTAVAIL.rawValue, call: "connect(\(endpoint))")
        for address in addresses {
            do throws(UVError) {
                return try connected(address, name: "\(endpoint)", deadline: deadline)
            } catch {
                failure = error
                if error.isTimeout { throw error }
            }
        }
        throw failure
    }

    private static func connected(
        _ address: SocketAddress,
        name: String,
        deadline: ContinuousClock.Instant
    ) throws(UVError) -> Int32 {
        let descriptor = try newSocket(family: address.family)
        do throws(UVError) {
            let call = "connect(\(name))"
            if address.withPointer({ Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
            // On a signal the attempt goes on by itself, as it does without one.
            guard errno == EINPROGRESS || errno == EINTR else { throw UVError(code: errno, call: call) }
            try wait(descriptor, for: POLLOUT, deadline: deadline, call: call)
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            _ = getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            guard code == 0 else { throw UVError(code: code, call: call) }
            return descriptor
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
    }

    private static func wait(
        _ descriptor: Int32,
        for event: Int32,
        deadline: ContinuousClock.Instant,
        call: String
    ) throws(UVError) {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw UVError(code: UV_ETIMEDOUT.rawValue, call: call) }
            let milliseconds = min(left / .milliseconds(1) + 1, 60_000)
            var entry = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: event), revents: 0)
            let count = poll(&entry, 1, Int32(milliseconds))
            if count > 0 { return }
            if count < 0, errno != EINTR { throw UVError(code: errno, call: "poll") }
        }
    }
}
