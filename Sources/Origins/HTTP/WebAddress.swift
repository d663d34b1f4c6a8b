// SPDX-License-Identifier: Apache-2.0
import CCurl
import Glibc

/// An http or https URL, taken apart; what it says about a user is kept apart from what is shown.
struct WebAddress: Hashable, Sendable {
    /// A user and a password, which no message shows.
    struct Credentials: Hashable, Sendable {
        let user: String
        let password: String
    }

    /// `http` or `https`.
    let scheme: String
    /// The host as a URL has it: an IPv6 address in brackets.
    let host: String
    let port: Int
    /// The path, percent-encoded, from its "/" on.
    private(set) var path: String
    /// What follows "?", percent-encoded; nil: there is none.
    let query: String?
    private(set) var credentials: Credentials?

    /// Reads a URL; a fragment is dropped.
    /// - Throws: ``OriginError/brokenURL(reason:)``, which does not repeat the URL: it may hold a password.
    init(_ text: String) throws(OriginError) {
        guard text.utf8.count <= 8192, !text.utf8.contains(0) else {
            throw .brokenURL(reason: "it has a NUL byte or more than 8192 bytes")
        }
        guard let parts = curl_url() else { throw .brokenURL(reason: "there is no memory left") }
        defer { curl_url_cleanup(parts) }
        let code = curl_url_set(parts, CURLUPART_URL, text, 0)
        guard code == CURLUE_OK else {
            throw .brokenURL(
                reason: String(cString: curl_url_strerror(code)) + "; expected is http(s)://HOST/PATH"
            )
        }
        let scheme = Self.part(CURLUPART_SCHEME, of: parts)?.lowercased() ?? ""
        guard scheme == "http" || scheme == "https" else {
            throw .brokenURL(reason: "its scheme is '\(scheme)'; http and https can be read from")
        }
        guard let host = Self.part(CURLUPART_HOST, of: parts), !host.isEmpty else {
            throw .brokenURL(reason: "it has no host")
        }
        self.scheme = scheme
        self.host = host.lowercased()
        port = Self.part(CURLUPART_PORT, of: parts, CURLU_DEFAULT_PORT).flatMap { Int($0) } ?? 0
        path = Self.part(CURLUPART_PATH, of: parts) ?? "/"
        query = Self.part(CURLUPART_QUERY, of: parts)
        let user = Self.part(CURLUPART_USER, of: parts, CURLU_URLDECODE)
        let password = Self.part(CURLUPART_PASSWORD, of: parts, CURLU_URLDECODE)
        credentials =
            user == nil && password == nil ? nil : Credentials(user: user ?? "", password: password ?? "")
    }

    /// The URL without credentials.
    var url: String { base + path + (query.map { "?\($0)" } ?? "") }

    /// The URL without credentials and without its query, for messages.
    var name: String { base + path }

    /// The address of an object below this one, with the same query and credentials.
    ///
    /// A key that begins with ".." leads as many folders up the path, on the same server.
    /// - Throws: ``OriginError/brokenKey(_:reason:)`` when the path has fewer.
    func object(_ key: ObjectKey) throws(OriginError) -> WebAddress {
        var object = self
        var folder = path.hasSuffix("/") ? path.dropLast() : path[...]
        for _ in 0..<key.parents {
            guard let slash = folder.lastIndex(of: "/") else {
                throw .brokenKey(key.path, reason: "it leads above the path of the source's URL")
            }
            folder = folder[..<slash]
        }
        object.path = folder + "/" + key.segments.map(Self.percentEncoded).joined(separator: "/")
        return object
    }

    /// The same address with other credentials.
    func with(_ credentials: Credentials?) -> WebAddress {
        var address = self
        address.credentials = credentials
        return address
    }

    /// Whether credentials for one may be shown to the other.
    func isSameServer(as other: WebAddress) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    private var base: String {
        let isUsual = port == (scheme == "https" ? 443 : 80)
        return "\(scheme)://\(host)" + (isUsual ? "" : ":\(port)")
    }

    private static func part(_ part: CURLUPart, of parts: OpaquePointer, _ flags: Int32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(parts, part, &text, UInt32(bitPattern: flags)) == CURLUE_OK, let text else {
            return nil
        }
        defer { curl_free(text) }
        return String(cString: text)
    }

    /// Leaves only what every server takes for itself: letters, digits and "-._~" (RFC 3986 §2.3).
    private static func percentEncoded(_ segment: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in segment.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
