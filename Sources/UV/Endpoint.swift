// SPDX-License-Identifier: Apache-2.0

/// Where to listen or to connect: a TCP host and port, or the path of a Unix socket.
package enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A host name or numeric address (without brackets), and a port; 0 lets the system choose one to listen on.
    case tcp(host: String, port: UInt16)
    /// A socket in the file system.
    case unix(path: String)

    /// What is wrong with the text of an endpoint, and what would be right.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        /// The text as it was given.
        package let text: String

        /// A sentence for the person who wrote the text.
        package var description: String {
            "'\(text)' is no address: expected HOST:PORT, [IPV6]:PORT, :PORT or unix:PATH"
        }
    }

    /// Reads `HOST:PORT`, `[IPV6]:PORT`, `:PORT` (all addresses, IPv4 and IPv6) or `unix:PATH`.
    /// - Throws: ``Malformed`` for anything else. Whether the host exists is not looked at here.
    package init(parsing text: String) throws(Malformed) {
        if text.hasPrefix("unix:") {
            let path = text.dropFirst("unix:".count)
            guard !path.isEmpty, !path.utf8.contains(0) else { throw Malformed(text: text) }
            self = .unix(path: String(path))
            return
        }
        guard let colon = text.lastIndex(of: ":") else { throw Malformed(text: text) }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else {
            throw Malformed(text: text)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard !host.isEmpty else { throw Malformed(text: text) }
        } else if host.contains(":") {
            throw Malformed(text: text)
        }
        guard host.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 91 && $0 != 93 }) else {
            throw Malformed(text: text)
        }
        self = .tcp(host: host.isEmpty ? "::" : String(host), port: port)
    }

    /// The form that ``init(parsing:)`` reads.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
