// SPDX-License-Identifier: Apache-2.0

/// Checks `host [ ":" port ]` of RFC 3986 §3.2.2, as `Host` and absolute-form targets have it.
///
/// Stricter than the grammar in three points: the host is not empty, it has at most 255 bytes, and a port is
/// at most 65535. User information (`user@`) is not part of a host and is refused.
enum HostAuthority {
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first, bytes.count <= 255 + 6 else { return false }
        let hostEnd: Int
        if first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]"), from: 1) else { return false }
            guard isAddressLiteral(bytes.slice(1..<bracket)) else { return false }
            hostEnd = bracket + 1
        } else {
            hostEnd = bytes.firstIndex(of: UInt8(ascii: ":"), from: 0) ?? bytes.count
            guard hostEnd > 0, hostEnd <= 255, isRegisteredName(bytes.slice(0..<hostEnd)) else {
                return false
            }
        }
        guard hostEnd < bytes.count else { return true }
        return bytes[hostEnd] == UInt8(ascii: ":") && isPort(bytes.dropping(hostEnd + 1))
    }

    private static func isPort(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= 5 else { return false }
        var port = 0
        for byte in bytes {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return false }
            port = port * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return port <= 65535
    }

    private static func isRegisteredName(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < bytes.count {
            if ByteSet.registeredName.contains(bytes[index]) {
                index += 1
                continue
            }
            guard bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                hexValue(bytes[index + 1]) != nil, hexValue(bytes[index + 2]) != nil
            else { return false }
            index += 3
        }
        return true
    }

    /// `IPv6address` or `IPvFuture`, without the brackets.
    private static func isAddressLiteral(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first else { return false }
        return first | 0x20 == UInt8(ascii: "v") ? isFutureAddress(bytes) : isIPv6Address(bytes)
    }

    private static func isFutureAddress(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let dot = bytes.firstIndex(of: UInt8(ascii: "."), from: 1) else { return false }
        let version = bytes.slice(1..<dot)
        let rest = bytes.dropping(dot + 1)
        return !version.isEmpty && version.allSatisfy { hexValue($0) != nil } && !rest.isEmpty
            && rest.allSatisfy { ByteSet.registeredName.contains($0) || $0 == UInt8(ascii: ":") }
    }

    /// Eight groups of one to four hexadecimal digits, one run of zero groups written `::`, the last two groups
    /// perhaps as an IPv4 address. A zone is refused, as RFC 3986 has none.
    private static func isIPv6Address(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var groups = 0
        var compressed = false
        var index = 0
        if bytes.count >= 2, bytes[0] == UInt8(ascii: ":"), bytes[1] == UInt8(ascii: ":") {
            compressed = true
            index = 2
        }
        while index < bytes.count {
            let start = index
            while index < bytes.count, hexValue(bytes[index]) != nil { index += 1 }
            if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
                guard isIPv4Address(bytes.dropping(start)) else { return false }
                groups += 2
                index = bytes.count
                break
            }
            guard index > start, index - start <= 4 else { return false }
            groups += 1
            guard index < bytes.count else { break }
            guard bytes[index] == UInt8(ascii: ":"), index + 1 < bytes.count else { return false }
            index += 1
            if bytes[index] == UInt8(ascii: ":") {
                guard !compressed else { return false }
                compressed = true
                index += 1
            }
        }
        return compressed ? groups <= 7 : groups == 8
    }

    private static func isIPv4Address(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return false }
        return parts.allSatisfy { part in
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else {
                return false
            }
            var value = 0
            for byte in part {
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return false }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            return value <= 255
        }
    }
}
