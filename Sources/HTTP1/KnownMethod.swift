// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// The methods that reach a service; TRACE and CONNECT do not.
enum KnownMethod {
    static let listing = "GET, HEAD, POST, PUT, DELETE, OPTIONS and PATCH"
    /// Of `OPTIONS`.
    static let longestByteCount = 7

    /// The method spelt by these bytes, or nil. Methods are case-sensitive (RFC 9110 §9.1).
    static func match(_ bytes: UnsafeRawBufferPointer) -> HTTPRequest.Method? {
        switch bytes.count {
        case 3:
            if spells(bytes, "GET") { return .get }
            if spells(bytes, "PUT") { return .put }
        case 4:
            if spells(bytes, "HEAD") { return .head }
            if spells(bytes, "POST") { return .post }
        case 5:
            if spells(bytes, "PATCH") { return .patch }
        case 6:
            if spells(bytes, "DELETE") { return .delete }
        case 7:
            if spells(bytes, "OPTIONS") { return .options }
        default:
            break
        }
        return nil
    }

    @inline(__always)
    private static func spells(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        for index in 0..<bytes.count where bytes[index] != name.utf8Start[index] { return false }
        return true
    }
}
