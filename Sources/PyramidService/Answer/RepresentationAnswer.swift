// SPDX-License-Identifier: Apache-2.0
import Configuration
import HTTP1
import HTTPServer
import HTTPTypes

/// Answers GET and HEAD of something whose bytes are at hand: conditions, single ranges, content codings.
///
/// Source: RFC 9110 §13 (conditions) and §14 (ranges).
struct RepresentationAnswer {
    let transaction: Transaction
    let contentType: String
    var cacheControl = "no-cache"
    /// Whether gzip may be worth it.
    let isCompressible: Bool
    /// Fields beside those of the representation itself; none of those, and no `Vary`.
    var fields: FieldLines = [:]
    /// Of what the bytes are held until the client has them; `nil`: they are in memory anyway.
    var memory: AnswerMemory?

    /// Which coding the client should get. A range counts bytes of the thing itself, so it never goes packed.
    /// - Throws: ``ServiceError/notAcceptable(_:vary:)``.
    func coding() throws(ServiceError) -> AnswerCoding {
        let head = transaction.exchange.head
        guard isCompressible, !head.fields.contains(.range) else { return .identity }
        return try AnswerCoding.negotiated(head.fields)
    }

    /// Sends `bytes`, or the part that is asked for, or word that nothing has changed.
    func send(_ bytes: [UInt8], _ coding: AnswerCoding, tag: String) async throws {
        let whole = try answer(bytes, coding, tag)
        let heldBytes = transaction.exchange.head.method == .head ? 0 : whole.body.count
        if let memory, heldBytes > 0 { try memory.enter(heldBytes) }
        defer { if let memory, heldBytes > 0 { memory.leave(heldBytes) } }
        try await transaction.send(whole.status, whole.lines, body: whole.body)
    }

    private func answer(_ bytes: [UInt8], _ coding: AnswerCoding, _ tag: String) throws(ServiceError) -> (
        status: HTTPResponse.Status, lines: FieldLines, body: [UInt8]
    ) {
        let head = transaction.exchange.head
        var lines = transaction.lines()
        lines.append(fields)
        lines.append("ETag", tag)
        lines.append("Cache-Control", cacheControl)
        lines.append("Accept-Ranges", "bytes")
        if let varied = transaction.varied(by: isCompressible ? "Accept-Encoding" : nil) {
            lines.append("Vary", varied)
        }
        if let wanted = EntityTags(head.fields, .ifMatch), !wanted.contains(tag, isWeak: false) {
            throw ServiceError.preconditionFailed("If-Match names another version; this one is \(tag).")
        }
        if let known = EntityTags(head.fields, .ifNoneMatch), known.contains(tag, isWeak: true) {
            return (.notModified, lines, [])
        }
        lines.append("Content-Type", contentType)
        if coding == .gzip { lines.append("Content-Encoding", "gzip") }
        guard coding == .identity, let part = try range(of: bytes.count, tag) else {
            return (.ok, lines, bytes)
        }
        lines.append("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(bytes.count)")
        return (.partialContent, lines, Array(bytes[part]))
    }

    /// The part that `Range` asks for; `nil`: the whole. Several ranges, other units and an `If-Range` that names
    /// another version mean the whole.
    private func range(of count: Int, _ tag: String) throws(ServiceError) -> Range<Int>? {
        let fields = transaction.exchange.head.fields
        guard transaction.exchange.head.method == .get, fields.contains(.range), let text = fields[.range]
        else { return nil }
        if let condition = fields[.ifRange], condition != tag { return nil }
        switch ByteRange(text) {
        case nil: return nil
        case .range(let first, let last):
            guard first < count else { throw .rangeNotSatisfiable(count: count) }
            return first..<min(last.map { $0 < count ? $0 + 1 : count } ?? count, count)
        case .suffix(let length):
            guard length > 0, count > 0 else { throw .rangeNotSatisfiable(count: count) }
            return max(0, count - length)..<count
        }
    }
}

/// One range of bytes as `Range` names it.
enum ByteRange: Equatable {
    /// `bytes=first-last`, both ends within; `last` may be left out.
    case range(Int, Int?)
    /// The last so many bytes.
    case suffix(Int)

    /// Returns `nil` for several ranges, another unit, and what is no range: those are ignored.
    init?(_ text: String) {
        guard text.hasPrefix("bytes=") else { return nil }
        let ends = trimmed(text.dropFirst(6)).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        let (first, last) = (Self.position(ends[0]), Self.position(ends[1]))
        switch (first, last, ends[0].isEmpty, ends[1].isEmpty) {
        case (nil, let length?, true, false): self = .suffix(length)
        case (let first?, nil, false, true): self = .range(first, nil)
        case (let first?, let last?, false, false) where first <= last: self = .range(first, last)
        default: return nil
        }
    }

    /// A number of any length; what is larger than any is the largest, and so beyond every end.
    private static func position(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int(text) ?? .max
    }
}

/// The tags of `If-Match` or `If-None-Match`.
struct EntityTags {
    private let isAny: Bool
    private let tags: [Substring]

    /// Returns `nil` when the request has no such field.
    init?(_ fields: HTTPFields, _ name: HTTPField.Name) {
        let values = fields[values: name]
        guard !values.isEmpty else { return nil }
        let items = values.flatMap { $0.split(separator: ",") }.map { trimmed($0)[...] }
        isAny = items == ["*"]
        tags = items
    }

    /// `isWeak`: whether a weak tag of the same text matches too.
    func contains(_ tag: String, isWeak: Bool) -> Bool {
        isAny || tags.contains { $0 == tag || (isWeak && $0.hasPrefix("W/") && $0.dropFirst(2) == tag) }
    }
}
