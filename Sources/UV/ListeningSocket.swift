// SPDX-License-Identifier: Apache-2.0
import CUV
import Glibc

/// A bound, listening, non-blocking socket, and the file that a Unix socket leaves behind.
///
/// Made by hand because libuv 1.44 has no flag for `SO_REUSEPORT`.
final class ListeningSocket {
    let descriptor: Int32
    /// What it is bound to, with the port the system chose.
    let endpoint: Endpoint
    private let file: SocketFile?

    /// Binds and listens.
    /// - Parameters:
    ///   - endpoint: What to bind to.
    ///   - backlog: How many connections the kernel holds for us before they are accepted.
    ///   - portSharing: Whether other loops of this process listen on the same port.
    /// - Throws: ``UVError`` of the call that failed.
    init(_ endpoint: Endpoint, backlog: Int32, portSharing: Listener.PortSharing) throws(UVError) {
        switch endpoint {
        case .tcp(let host, let port):
            let addresses = try SocketAddress.resolve(host: host, port: port, toListen: true)
            (descriptor, self.endpoint) = try Self.listen(
                host: host,
                addresses: addresses,
                backlog: backlog,
                portSharing: portSharing
            )
            file = nil
        case .unix(let path):
            let address = try SocketAddress(unixPath: path)
            try SocketFile.removeStale(at: path, address: address)
            descriptor = try newSocket(family: AF_UNIX)
            self.endpoint = endpoint
            if let failure = Self.bind(descriptor, address, backlog: backlog, name: "unix:\(path)") {
                _ = Glibc.close(descriptor)
                throw failure
            }
            file = SocketFile(at: path)
        }
    }

    deinit {
        // The name goes before the descriptor, so that nobody finds a name behind which nobody listens.
        file?.remove()
        _ = Glibc.close(descriptor)
    }

    private static func listen(
        host: String,
        addresses: [SocketAddress],
        backlog: Int32,
        portSharing: Listener.PortSharing
    ) throws(UVError) -> (Int32, Endpoint) {
        var failure = UVError(code: UV_EADDRNOTAVAIL.rawValue, call: "bind(\(host))")
        for address in addresses {
            let descriptor = try newSocket(family: address.family)
            setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if portSharing == .joins { setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
            // `::` takes IPv4 clients too, whatever the machine's default is.
            if address.family == AF_INET6 { setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
            if let reason = bind(
                descriptor,
                address,
                backlog: backlog,
                name: address.description,
                beginsSharing: portSharing == .begins
            ) {
                failure = reason
                _ = Glibc.close(descriptor)
                continue
            }
            let bound = SocketAddress { pointer, length in _ = getsockname(descriptor, pointer, length) }
            return (descriptor, .tcp(host: bound.host, port: bound.port ?? 0))
        }
        throw failure
    }

    private static func bind(
        _ descriptor: Int32,
        _ address: SocketAddress,
        backlog: Int32,
        name: String,
        beginsSharing: Bool = false
    ) -> UVError? {
        guard address.withPointer({ Glibc.bind(descriptor, $0, $1) }) == 0 else {
            return UVError(code: errno, call: "bind(\(name))")
        }
        // Only now: a port that somebody shares already, in this process or in another, has been refused.
        if beginsSharing { setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
        guard Glibc.listen(descriptor, backlog) == 0 else {
            return UVError(code: errno, call: "listen(\(name))")
        }
        return nil
    }

    private static func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        // What fails here shows as a failing bind, or does not matter.
        _ = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// The name of a Unix socket in the file system, known again by device and inode.
private struct SocketFile {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Remembers the socket at `path`; nil when there is none.
    init?(at path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    /// Removes the name if it still names the same socket: a successor may have taken it.
    func remove() {
        guard let now = SocketFile(at: path), now.device == device, now.inode == inode else { return }
        unlink(path)
    }

    /// Removes a socket that nobody listens on.
    ///
    /// Two processes that start in the same instant may both see the stale one; the look at the inode right before
    /// the removal leaves them microseconds to hurt each other, and the loser's listener is the older one.
    /// - Throws: `EADDRINUSE` when somebody answers, or when the file is no socket: we never remove those.
    static func removeStale(at path: String, address: SocketAddress) throws(UVError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        let inUse = UVError(code: UV_EADDRINUSE.rawValue, call: "bind(unix:\(path))")
        guard let file = SocketFile(at: path) else { throw inUse }
        let probe = try newSocket(family: AF_UNIX)
        defer { _ = Glibc.close(probe) }
        let answer = address.withPointer { Glibc.connect(probe, $0, $1) }
        guard answer != 0, errno == ECONNREFUSED else { throw inUse }
        file.remove()
    }
}
