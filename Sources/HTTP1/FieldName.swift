// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What a field name means to the parser itself.
enum FieldRole {
    case host, contentLength, transferEncoding, connection, expect, other
}

/// Finds common field names without allocating; their spelling becomes the canonical one.
enum FieldName {
    /// HTTPTypes names no constant for it.
    private static let host = HTTPField.Name("Host")

    /// The name spelt by `bytes`, which are all token characters, and its role.
    ///
    /// Nil only if HTTPTypes refuses a name that our own grammar accepts.
    static func match(_ bytes: UnsafeRawBufferPointer) -> (name: HTTPField.Name, role: FieldRole)? {
        switch bytes.count {
        case 4:
            if bytes.equalsIgnoringCase("host") { return host.map { ($0, .host) } }
        case 5:
            if bytes.equalsIgnoringCase("range") { return (.range, .other) }
        case 6:
            if bytes.equalsIgnoringCase("accept") { return (.accept, .other) }
            if bytes.equalsIgnoringCase("origin") { return (.origin, .other) }
            if bytes.equalsIgnoringCase("expect") { return (.expect, .expect) }
            if bytes.equalsIgnoringCase("cookie") { return (.cookie, .other) }
        case 7:
            if bytes.equalsIgnoringCase("referer") { return (.referer, .other) }
        case 8:
            if bytes.equalsIgnoringCase("if-match") { return (.ifMatch, .other) }
        case 10:
            if bytes.equalsIgnoringCase("user-agent") { return (.userAgent, .other) }
            if bytes.equalsIgnoringCase("connection") { return (.connection, .connection) }
        case 12:
            if bytes.equalsIgnoringCase("content-type") { return (.contentType, .other) }
        case 13:
            if bytes.equalsIgnoringCase("if-none-match") { return (.ifNoneMatch, .other) }
            if bytes.equalsIgnoringCase("authorization") { return (.authorization, .other) }
            if bytes.equalsIgnoringCase("cache-control") { return (.cacheControl, .other) }
        case 14:
            if bytes.equalsIgnoringCase("content-length") { return (.contentLength, .contentLength) }
        case 15:
            if bytes.equalsIgnoringCase("accept-encoding") { return (.acceptEncoding, .other) }
            if bytes.equalsIgnoringCase("accept-language") { return (.acceptLanguage, .other) }
        case 16:
            if bytes.equalsIgnoringCase("content-encoding") { return (.contentEncoding, .other) }
        case 17:
            if bytes.equalsIgnoringCase("transfer-encoding") { return (.transferEncoding, .transferEncoding) }
        default:
            break
        }
        return HTTPField.Name(String(decoding: bytes, as: UTF8.self)).map { ($0, .other) }
    }
}
