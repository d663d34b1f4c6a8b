// SPDX-License-Identifier: Apache-2.0
package import HTTP1
package import HTTPTypes

/// Which web pages may read answers: the fields of the Fetch standard's CORS protocol.
package struct CORSPolicy: Sendable {
    private let origins: [String]
    private let allowsAll: Bool

    private static let forAll: FieldLines = [
        .accessControlAllowOrigin: "*", .accessControlExposeHeaders: exposedNames,
    ]
    private static let exposedNames =
        "Pyramid-Dtype, Pyramid-Order, Pyramid-Levels, Preference-Applied, X-Request-Id, Server-Timing, "
        + "Content-Encoding, Content-Length, Retry-After, Allow, Accept-Encoding, Accept-Post, WWW-Authenticate, "
        + "ETag, Content-Range, Accept-Ranges, Location, Pyramid-Shape"
    private static let requestFields =
        "Accept, Authorization, Cache-Control, Content-Encoding, Content-Type, If-Match, If-None-Match, "
        + "If-Range, Prefer, Range, X-Request-Id"

    /// `["*"]` allows all.
    package init(origins: [String]) {
        self.origins = origins
        allowsAll = origins == ["*"]
    }

    /// Adds what every answer carries, errors too: else a page sees no answer at all.
    package func append(to answer: inout FieldLines, request: HTTPFields) {
        if allowsAll {
            answer.append(Self.forAll)
        } else if let origin = allowedOrigin(request) {
            answer.append("Access-Control-Allow-Origin", origin)
            answer.append("Access-Control-Expose-Headers", Self.exposedNames)
        }
    }

    /// What `Vary` has to name where an answer follows from `fields` of the request, and perhaps from its origin; `nil`:
    /// nothing.
    package func varied(by fields: String?) -> String? {
        guard !allowsAll, !origins.isEmpty else { return fields }
        return fields.map { $0 + ", Origin" } ?? "Origin"
    }

    /// Adds what a preflight asks for; a page of another origin gets nothing, and its browser refuses.
    package func applyPreflight(to answer: inout HTTPFields, request: HTTPFields, allow: [String]) {
        guard allowsAll || allowedOrigin(request) != nil, request.contains(.accessControlRequestMethod) else {
            return
        }
        answer[.accessControlAllowMethods] = allow.joined(separator: ", ")
        answer[.accessControlAllowHeaders] = Self.requestFields + Self.asked(request)
        answer[.accessControlMaxAge] = "7200"
    }

    /// Names of fields that a preflight asks for are allowed, whatever they are, as long as they are few: what they say
    /// is read by nobody here. Empty where one is no token.
    private static func asked(_ request: HTTPFields) -> String {
        guard let text = request[.accessControlRequestHeaders], text.utf8.count <= 512 else { return "" }
        let names = text.split(separator: ",").map { name in
            var name = name.drop { $0 == " " }
            while name.last == " " { name.removeLast() }
            return name
        }
        guard names.count <= 32, names.allSatisfy({ HTTPField.Name(String($0)) != nil }) else { return "" }
        return names.map { ", \($0)" }.joined()
    }

    /// Whether a page may write, where no token is asked for: a browser says itself when its page comes from another site,
    /// and `*`, which is the default, is meant for viewers. An origin that is named may.
    ///
    /// Source: Fetch Metadata Request Headers, 2.4; browsers send the field to https and to loopback.
    package func mayWrite(_ request: HTTPFields) -> Bool {
        request[.fetchSite] != "cross-site" || allowedOrigin(request) != nil
    }

    private func allowedOrigin(_ request: HTTPFields) -> String? {
        let values = request[values: .origin]
        guard values.count == 1, let origin = values.first, origins.contains(origin) else { return nil }
        return origin
    }
}
