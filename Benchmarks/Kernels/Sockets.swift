// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A port of 127.0.0.1, or the path of a Unix socket.
enum Place: Sendable {
    case port(UInt16)
    case path(String)

    init(_ text: String) {
        if let port = UInt16(text) { self = .port(port) } else { self = .path(text) }
    }

    /// A blocking socket, listening or connected.
    func open(listening: Bool) throws -> Int32 {
        let descriptor = socket(isUnix ? AF_UNIX : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw BenchmarkError("no socket") }
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        if !isUnix { setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4) }
        let made = withAddress { listening ? bind(descriptor, $0, $1) : connect(descriptor, $0, $1) }
        guard made == 0, !listening || listen(descriptor, 128) == 0 else {
            throw BenchmarkError("\(listening ? "bind" : "connect"): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    private var isUnix: Bool { if case .path = self { true } else { false } }

    private func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        switch self {
        case .port(let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .path(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { target in
                target.copyBytes(from: path.utf8.prefix(target.count - 1))
            }
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }
}

/// Blocking reads and writes of HTTP messages that end where Content-Length says.
struct Wire {
    let descriptor: Int32
    private let buffer = UnsafeMutableRawPointer.allocate(byteCount: Wire.capacity, alignment: 4096)
    private static let capacity = 1 << 20

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func close() {
        _ = Glibc.close(descriptor)
        buffer.deallocate()
    }

    /// Reads a message, drops its body, and returns its head; `nil` where the peer has ended.
    func readMessage() -> String? {
        var filled = 0
        while true {
            let count = recv(descriptor, buffer + filled, Wire.capacity - filled, 0)
            guard count > 0 else { return nil }
            filled += count
            guard let length = Wire.headLength(UnsafeRawBufferPointer(start: buffer, count: filled)) else {
                continue
            }
            let head = String(decoding: UnsafeRawBufferPointer(start: buffer, count: length), as: UTF8.self)
            guard drop((Wire.number("content-length", head) ?? 0) - (filled - length)) else { return nil }
            return head
        }
    }

    /// Reads an answer and drops its body; nil where the peer has ended, or what it sent is no answer with a length.
    ///
    /// Makes no strings of the head: at ten thousand answers a second that would be what is measured.
    func readAnswer() -> (status: Int, bytes: Int)? {
        var filled = 0
        while true {
            let count = recv(descriptor, buffer + filled, Wire.capacity - filled, 0)
            guard count > 0 else { return nil }
            filled += count
            let bytes = UnsafeRawBufferPointer(start: buffer, count: filled)
            guard let length = Wire.headLength(bytes) else { continue }
            let head = UnsafeRawBufferPointer(rebasing: bytes[..<length])
            guard length > 12, let body = Wire.contentLength(head) else { return nil }
            // Before the body is dropped, which takes the place of the head.
            let status = head[9..<12].reduce(0) { 10 * $0 + Int($1) - 48 }
            return drop(body - (filled - length)) ? (status, body) : nil
        }
    }

    /// The number in `Content-Length`.
    private static func contentLength(_ head: UnsafeRawBufferPointer) -> Int? {
        let name = Array("\ncontent-length:".utf8)
        for start in head.indices.dropLast(name.count) where head[start] == UInt8(ascii: "\n") {
            guard (0..<name.count).allSatisfy({ head[start + $0] | 0x20 == name[$0] | 0x20 }) else {
                continue
            }
            let digits = head[(start + name.count)...].drop { $0 == UInt8(ascii: " ") }
                .prefix { (48...57).contains($0) }.prefix(12)
            return digits.isEmpty ? nil : digits.reduce(0) { 10 * $0 + Int($1) - 48 }
        }
        return nil
    }

    /// Up to and with the empty line.
    private static func headLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        for end in bytes.indices.dropFirst(3) where bytes[end] == UInt8(ascii: "\n") {
            if bytes[end - 1] == UInt8(ascii: "\r"), bytes[end - 2] == UInt8(ascii: "\n") { return end + 1 }
        }
        return nil
    }

    private func drop(_ count: Int) -> Bool {
        var left = count
        while left > 0 {
            let count = recv(descriptor, buffer, min(left, Wire.capacity), 0)
            guard count > 0 else { return false }
            left -= count
        }
        return true
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        var sent = 0
        while sent < bytes.count {
            let count = send(descriptor, base + sent, bytes.count - sent, 0)
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// The number in a field of a head.
    static func number(_ name: String, _ head: String) -> Int? {
        for line in head.lowercased().split(separator: "\r\n") where line.hasPrefix(name + ":") {
            return Int(line.dropFirst(name.count + 1).drop { $0 == " " })
        }
        return nil
    }
}
