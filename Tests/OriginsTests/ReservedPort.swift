// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A port of the loopback that refuses connections for as long as this is held: bound, and not listened on.
///
/// The port of a server that has ended may be another test's a moment later.
struct ReservedPort: ~Copyable {
    let number: Int
    private let socket: Int32

    /// - Throws: ``Failure`` when the system gives no port.
    init() throws(Failure) {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { [socket] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        number = Int(UInt16(bigEndian: address.sin_port))
        guard isBound else {
            close(socket)
            throw Failure()
        }
    }

    deinit { close(socket) }

    struct Failure: Error {}
}
