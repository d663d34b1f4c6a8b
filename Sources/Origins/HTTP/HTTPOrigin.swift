// SPDX-License-Identifier: Apache-2.0

/// A volume behind an http or https URL: an object is a GET of `URL/KEY`, with the URL's query if it has one.
///
/// 404 means that an object is not there. 403 does not, though some object stores answer it for what is missing when the
/// reader may not list: a permission that has run out must never look like an empty volume. Nor does 410, which says that
/// there was one: a chunk that was taken away must not look like zeros, as no reader of the format takes it.
package final class HTTPOrigin: Origin {
    private let address: WebAddress
    private let client: HTTPClient

    /// Makes an origin; the server is not asked for anything yet.
    /// - Parameters:
    ///   - url: `https://[USER:PASSWORD@]HOST[:PORT]/PATH[?QUERY]`; a fragment is dropped.
    ///   - client: May be shared by all origins, and should be.
    /// - Throws: ``OriginError/brokenURL(reason:)``.
    package init(url: String, client: HTTPClient) throws(OriginError) {
        address = try WebAddress(url)
        self.client = client
    }

    /// The URL, without credentials and query.
    package var name: String { address.name }

    /// Reads `URL/KEY`, as it is packed; its version is the ETag, or else the time of the last change.
    /// - Returns: The object; nil when the server says that it is not there.
    /// - Throws: ``OriginError``.
    package func object(_ key: String, limit: Int) async throws(OriginError) -> StoredObject? {
        let request = try request(key, range: nil, limit: limit)
        let answer = try await client.answer(request)
        switch answer.status {
        case 200: return try stored(answer.bytes, answer, request)
        case 404: return nil
        default: throw .refused(place: request.place, status: answer.status)
        }
    }

    /// Sees whether a key is one, and has a place in the URL.
    /// - Throws: ``OriginError/brokenKey(_:reason:)``.
    package func check(_ key: String) throws(OriginError) {
        _ = try address.object(ObjectKey(key, mayClimb: true))
    }

    /// Reads the bytes `range` of `URL/KEY`; a server that sends the whole object instead is taken at its word, up to
    /// the client's limit for that.
    /// - Returns: The bytes; nil when the server says that the object is not there.
    /// - Throws: ``OriginError``.
    package func range(_ key: String, _ range: Range<Int>) async throws(OriginError) -> StoredObject? {
        precondition(range.lowerBound >= 0 && !range.isEmpty, "a range has a byte, and none before the first")
        let request = try request(key, range: range, limit: client.configuration.wholeObjectLimit)
        let answer = try await client.answer(request)
        switch answer.status {
        case 206:
            try check(answer, range, request)
            return try plain(answer.bytes, answer, request)
        case 200:
            guard range.upperBound <= answer.bytes.count else {
                throw .tooShort(place: request.place, wanted: range, bytes: answer.bytes.count)
            }
            return try plain(Array(answer.bytes[range]), answer, request)
        case 404:
            return nil
        case 416:
            let total = answer.fields.contentRange.flatMap { ContentRange($0)?.total }
            throw .tooShort(place: request.place, wanted: range, bytes: total)
        default:
            throw .refused(place: request.place, status: answer.status)
        }
    }

    private func request(_ key: String, range: Range<Int>?, limit: Int) throws(OriginError) -> HTTPRequest {
        let object = try address.object(ObjectKey(key, mayClimb: true))
        return HTTPRequest(address: object, place: object.name, range: range, limit: limit)
    }

    private func check(_ answer: HTTPAnswer, _ wanted: Range<Int>, _ request: HTTPRequest) throws(OriginError)
    {
        guard let text = answer.fields.contentRange, let sent = ContentRange(text), let range = sent.range
        else {
            throw .brokenAnswer(
                place: request.place,
                reason: "a 206 needs a Content-Range with the bytes it has"
            )
        }
        if let total = sent.total, total < wanted.upperBound {
            throw .tooShort(place: request.place, wanted: wanted, bytes: total)
        }
        guard range == wanted, answer.bytes.count == wanted.count else {
            let reason =
                "asked were bytes \(wanted.lowerBound)-\(wanted.upperBound - 1), sent were \(answer.bytes.count) "
                + "bytes as '\(text)'"
            throw .brokenAnswer(place: request.place, reason: reason)
        }
    }

    private func plain(_ bytes: [UInt8], _ answer: HTTPAnswer, _ request: HTTPRequest) throws(OriginError)
        -> StoredObject
    {
        let object = try stored(bytes, answer, request)
        guard object.coding == .identity else {
            throw .brokenAnswer(place: request.place, reason: "bytes were asked for as they are, not packed")
        }
        return object
    }

    private func stored(_ bytes: [UInt8], _ answer: HTTPAnswer, _ request: HTTPRequest) throws(OriginError)
        -> StoredObject
    {
        let coding: StoredObject.Coding
        switch (answer.fields.contentEncoding ?? "").lowercased() {
        case "", "identity": coding = .identity
        case "gzip", "x-gzip": coding = .gzip
        case let other:
            throw .brokenAnswer(
                place: request.place,
                reason: "it is packed with '\(other)'; gzip was offered"
            )
        }
        return StoredObject(
            bytes: bytes,
            coding: coding,
            version: answer.fields.entityTag ?? answer.fields.lastModified
        )
    }
}
