// SPDX-License-Identifier: Apache-2.0

/// Where the service listens: `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/pyramidion.sock`.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A numeric address without brackets, and a port; port 0 lets the system choose.
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    /// The longest path of a Unix socket on Linux: `sun_path` holds 108 bytes with its end.
    package static let maxUnixPathBytes = 107

    /// What ``init(_:)`` takes, for messages.
    package static let allowed = "HOST:PORT with a numeric host, as 127.0.0.1:8080 or [::]:8080, or unix:PATH"

    /// Whether the host is an address that exists is for the system to say.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard !path.isEmpty, path.utf8.count <= Self.maxUnixPathBytes, !path.utf8.contains(0) else {
                return nil
            }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        guard let number = WholeNumber.parse(text[text.index(after: colon)...]),
            let port = UInt16(exactly: number)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        let isNumeric = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ":"): true
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
            default: false
            }
        }
        guard !host.isEmpty, isNumeric else { return nil }
        self = .tcp(host: String(host), port: port)
    }

    /// Whether it is another one each time: port 0.
    var isChosenBySystem: Bool {
        guard case .tcp(_, port: 0) = self else { return false }
        return true
    }

    /// Whether only processes of this machine can reach it.
    package var isLocal: Bool {
        switch self {
        case .tcp(let host, _): host.hasPrefix("127.") || host == "::1"
        case .unix: true
        }
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
