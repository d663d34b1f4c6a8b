// SPDX-License-Identifier: Apache-2.0
package import HTTPTypes
package import Logging
import Synchronization

/// What a token allows: `write` allows what `read` does too.
package enum AccessScope: String, Sendable, CaseIterable {
    case read, write
}

/// The bearer tokens of a file: one `token scope` a line; a word that begins with `#` begins a comment.
package final class AccessTokens: Sendable {
    private struct Entry {
        let token: [UInt8]
        let scope: AccessScope
    }

    package static let maxTokens = 10_000
    static let tokenLengths = 1...512
    /// Shorter ones can be guessed by whoever may ask often enough: the log says so.
    private static let safeLength = 16

    private let path: String
    private let logger: Logger
    private let entries: Mutex<[Entry]>

    /// - Throws: ``SmallFile/Failure`` naming the line that is wrong.
    package init(path: String, logger: Logger) throws(SmallFile.Failure) {
        self.path = path
        self.logger = logger
        entries = Mutex(try Self.load(path, logger))
    }

    /// Reads the file again; when it is wrong, what was there before stays.
    package func reload() throws(SmallFile.Failure) {
        let loaded = try Self.load(path, logger)
        entries.withLock { $0 = loaded }
    }

    /// Passes when the request has a token with `scope`, in `Authorization: Bearer` or, for GET and HEAD, in the
    /// query parameter `access_token` (RFC 6750), for viewers that cannot send fields.
    package func check(
        _ scope: AccessScope,
        method: HTTPRequest.Method,
        fields: HTTPFields,
        query: String?
    ) throws(ServiceError) {
        guard let token = Self.token(method: method, fields: fields, query: query) else {
            throw .unauthorized("A token is needed; send Authorization: Bearer TOKEN.")
        }
        guard let found = match(token) else {
            throw .unauthorized("Nobody knows this token; send one that the service was given.")
        }
        guard found == .write || found == scope else {
            throw .forbidden("This token may `\(found.rawValue)`, and `\(scope.rawValue)` is needed.")
        }
    }

    /// Looks at every entry and every byte, so that the time says nothing about how much of a guess was right.
    private func match(_ token: [UInt8]) -> AccessScope? {
        guard Self.tokenLengths.contains(token.count) else { return nil }
        return entries.withLock { entries in
            var found: AccessScope?
            for entry in entries {
                var difference = UInt8(entry.token.count == token.count ? 0 : 1)
                for (index, byte) in token.enumerated() {
                    difference |= byte ^ entry.token[index % entry.token.count]
                }
                if difference == 0 { found = entry.scope }
            }
            return found
        }
    }

    private static func token(method: HTTPRequest.Method, fields: HTTPFields, query: String?) -> [UInt8]? {
        let values = fields[values: .authorization]
        if values.count == 1, let value = values.first {
            let words = value.split(separator: " ", maxSplits: 1)
            guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
            return Array(trimmed(words[1]).utf8)
        }
        guard values.isEmpty, method == .get || method == .head else { return nil }
        let parameter = (try? QueryString(query))?.parameters.first { $0.name == "access_token" }
        return parameter.map { Array($0.value.utf8) }
    }

    private static func load(_ path: String, _ logger: Logger) throws(SmallFile.Failure) -> [Entry] {
        var entries: [Entry] = []
        var shortOnes: [String] = []
        let text = String(decoding: try SmallFile.bytes(path), as: UTF8.self)
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }.prefix { !$0.hasPrefix("#") }
            if words.isEmpty { continue }
            let place = "\(path):\(index + 1)"
            // No scope has a `#`, so that a comment may follow it at once.
            guard words.count == 2, let scope = AccessScope(rawValue: String(words[1].prefix { $0 != "#" }))
            else {
                throw SmallFile.Failure(path: place, reason: "allowed: TOKEN read, or TOKEN write")
            }
            guard tokenLengths.contains(words[0].utf8.count), words[0].utf8.allSatisfy({ 0x21...0x7e ~= $0 })
            else {
                let allowed = "\(tokenLengths.lowerBound) to \(tokenLengths.upperBound)"
                throw SmallFile.Failure(
                    path: place,
                    reason: "a token has \(allowed) printable ASCII characters"
                )
            }
            guard entries.count < maxTokens else {
                throw SmallFile.Failure(path: place, reason: "more than \(maxTokens) tokens")
            }
            entries.append(Entry(token: Array(words[0].utf8), scope: scope))
            if words[0].utf8.count < safeLength { shortOnes.append(place) }
        }
        if let first = shortOnes.first {
            logger.warning(
                "a token of fewer than \(safeLength) characters can be guessed; take a longer one",
                metadata: ["place": "\(first)", "tokens": "\(shortOnes.count)"]
            )
        }
        return entries
    }
}
