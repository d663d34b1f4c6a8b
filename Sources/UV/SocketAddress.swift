// SPDX-License-Identifier: Apache-2.0
import CUV
import Glibc

/// The address of one end of a connection, as the kernel keeps it.
package struct SocketAddress: Sendable, CustomStringConvertible {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    /// What has no address: the client's end of a Unix socket.
    init() {}

    /// Takes what `fill` writes, as `accept4` and `getsockname` write it: address and length.
    init(filledBy fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Void) {
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { fill($0, &length) }
        }
        self.length = min(length, socklen_t(MemoryLayout<sockaddr_storage>.size))
    }

    /// Copies `count` bytes of an address.
    init(copying address: UnsafePointer<sockaddr>, count: socklen_t) {
        let bytes = min(Int(count), MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutableBytes(of: &storage) { target in
            target.copyMemory(from: UnsafeRawBufferPointer(start: address, count: bytes))
        }
        length = socklen_t(bytes)
    }

    /// Makes the address of the Unix socket at `path`.
    /// - Throws: ``UVError`` `ENAMETOOLONG` when the path and its NUL do not fit into 108 bytes.
    init(unixPath path: String) throws(UVError) {
        let bytes = Array(path.utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard !bytes.isEmpty, bytes.count < capacity, !bytes.contains(0) else {
            let code = bytes.count < capacity ? EINVAL : ENAMETOOLONG
            throw UVError(code: code, call: "bind(unix:\(path))")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        withUnsafeBytes(of: &address) { source in
            withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: source) }
        }
        length = socklen_t(MemoryLayout<sockaddr_un>.size)
    }

    /// Finds the addresses of a TCP host; asks the resolver, and may wait for it, unless `host` is numeric.
    ///
    /// C function: `getaddrinfo`.
    /// - Returns: At least one address, in the resolver's order of preference.
    static func resolve(host: String, port: UInt16, toListen: Bool) throws(UVError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (toListen ? AI_PASSIVE : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        let call = "getaddrinfo(\(host))"
        guard code == 0 else {
            let known = [EAI_MEMORY: UV_EAI_MEMORY, EAI_AGAIN: UV_EAI_AGAIN, EAI_FAIL: UV_EAI_FAIL]
            throw UVError(code: (known[code] ?? UV_EAI_NONAME).rawValue, call: call)
        }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr {
                found.append(SocketAddress(copying: address, count: entry.pointee.ai_addrlen))
            }
            next = entry.pointee.ai_next
        }
        guard !found.isEmpty else { throw UVError(code: UV_EAI_NONAME.rawValue, call: call) }
        return found
    }

    /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
    var family: Int32 { Int32(storage.ss_family) }

    /// Lends the address to a system call.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// The numeric host, without a port: `127.0.0.1`, `::1`; `unix` for a Unix socket.
    ///
    /// An IPv4 client of an IPv6 listener is named as the IPv4 address it is.
    package var host: String {
        guard family == AF_INET || family == AF_INET6 else { return "unix" }
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer -> String in
            guard let start = buffer.baseAddress else { return "" }
            buffer.initialize(repeating: 0)
            let code = withPointer { address, _ in writeHost(address, start, buffer.count) }
            return code == 0 ? String(cString: start) : ""
        }
        return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
    }

    /// The TCP port; nil for a Unix socket.
    package var port: UInt16? {
        guard family == AF_INET || family == AF_INET6 else { return nil }
        // The port is at the same place in both kinds of address, in network order.
        return withUnsafeBytes(of: storage) { bytes in
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }

    /// `127.0.0.1:8080`, `[::1]:8080` or `unix`.
    package var description: String {
        guard let port else { return "unix" }
        let host = host
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

private func writeHost(_ address: UnsafePointer<sockaddr>, _ text: UnsafeMutablePointer<CChar>, _ room: Int)
    -> Int32
{
    let raw = UnsafeRawPointer(address)
    return Int32(address.pointee.sa_family) == AF_INET6
        ? uv_ip6_name(raw.assumingMemoryBound(to: sockaddr_in6.self), text, room)
        : uv_ip4_name(raw.assumingMemoryBound(to: sockaddr_in.self), text, room)
}

/// Makes a stream socket that does not block and is not inherited by other programs.
func newSocket(family: Int32) throws(UVError) -> Int32 {
    let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let descriptor = socket(family, Int32(type), 0)
    guard descriptor >= 0 else { throw UVError(code: errno, call: "socket") }
    return descriptor
}
