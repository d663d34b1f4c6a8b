// SPDX-License-Identifier: Apache-2.0
import FuzzSupport

@testable import Origins

/// Input: the head of a source's answer, interim heads and trailers included; or, by its first byte, something that
/// follows from one: 0 a `Content-Range`, 1 a URL of a source or where it redirects to, 2 a key.
///
/// Shows that each is taken or refused in words, and that what is taken keeps its promises: the head is that of a
/// second reader, ranges are ranges, URLs and keys read back as themselves and lead nowhere else, and no redirect
/// leads from https to http or takes a password to another server.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOrigins(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let rest = String(decoding: bytes.dropFirst(), as: UTF8.self)
    switch bytes.first {
    case 0: checkRange(rest)
    case 1: checkAddress(rest)
    case 2: checkKey(rest)
    default: checkHead(bytes)
    }
    return 0
}

/// Feeds the head as libcurl does: line by line, each with its line end.
private func checkHead(_ bytes: [UInt8]) {
    var head = ResponseHead()
    var expected = PlainHead()
    var count = 0
    for line in lines(bytes) {
        count += line.count
        let before = head
        let isFine = head.received(line.span)
        require(isFine == (count <= ResponseHead.byteLimit), "\(count) bytes: \(isFine)")
        guard isFine else { return }
        if before.isComplete { require(head.fields == before.fields, "a trailer changed the head") }
        expected.received(line)
    }
    require(head.status == expected.status, "status \(head.status), not \(expected.status)")
    require(head.isComplete == expected.isComplete, "complete: \(head.isComplete)")
    require(head.fields == expected.fields, "\(head.fields), not \(expected.fields)")
    require((0...999).contains(head.status), "status \(head.status)")
    require((head.fields.contentLength ?? 0) >= 0, "a length below 0")
    if let range = head.fields.contentRange { checkRange(range) }
}

private func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
        let end = rest.firstIndex(of: 10).map { $0 + 1 } ?? rest.endIndex
        lines.append(Array(rest[..<end]))
        rest = rest[end...]
    }
    return lines
}

/// What a head says, read the plain way.
private struct PlainHead {
    var status = 0
    var isComplete = false
    var fields = ResponseFields()

    mutating func received(_ line: [UInt8]) {
        if isComplete { return }
        let text = Self.trimmed(line)
        if text.hasPrefix("HTTP/") {
            let words = text.split(separator: " ")
            let isNumber =
                words.count > 1 && words[1].utf8.count == 3 && words[1].utf8.allSatisfy(Self.isDigit)
            status = isNumber ? Int(words[1]) ?? 0 : 0
            fields = ResponseFields()
        } else if text.isEmpty {
            isComplete = status >= 200
        } else if let colon = line.firstIndex(of: 58), colon <= 32, line.count - colon <= 1024 {
            let value = Self.trimmed(Array(line[(colon + 1)...]))
            switch Self.trimmed(Array(line[..<colon])).lowercased() {
            case "content-length":
                fields.contentLength = value.utf8.allSatisfy(Self.isDigit) ? Int(value) : nil
            case "content-encoding": fields.contentEncoding = value
            case "content-range": fields.contentRange = value
            case "etag": fields.entityTag = value
            case "last-modified": fields.lastModified = value
            default: break
            }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func trimmed(_ bytes: [UInt8]) -> String {
        let isSpace: (UInt8) -> Bool = { [9, 10, 13, 32].contains($0) }
        let front = bytes.drop(while: isSpace)
        let text = front.reversed().drop(while: isSpace).reversed()
        return String(decoding: Array(text), as: UTF8.self)
    }
}

private func checkRange(_ text: String) {
    guard let sent = ContentRange(text) else { return }
    let total = sent.total.map(String.init) ?? "*"
    guard let range = sent.range else {
        require(ContentRange("bytes */\(total)") == sent, "\(text) reads back as another")
        return
    }
    require(!range.isEmpty && range.lowerBound >= 0, "\(range)")
    require(range.upperBound <= sent.total ?? .max, "\(range) of \(total)")
    let written = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(total)"
    require(ContentRange(written) == sent, "\(text) reads back as another")
}

private func checkAddress(_ text: String) {
    let address: WebAddress
    do throws(OriginError) {
        address = try WebAddress(text)
    } catch {
        requireSentence(error.message, longest: 1_000)
        return
    }
    require(["http", "https"].contains(address.scheme) && !address.host.isEmpty, "\(address.url)")
    require((0...65_535).contains(address.port), "port \(address.port)")
    requireReadsBack(address)
    guard let key = try? ObjectKey("8_8_40/../8 8#?%/0-64_-1-0_0-64"), let object = try? address.object(key)
    else {
        require(false, "a key below the address is refused")
        return
    }
    requireReadsBack(object)
    require(object.path.hasSuffix("/8%208%23%3F%25/0-64_-1-0_0-64"), object.path)
    require(object.isSameServer(as: address) && object.query == address.query, object.url)
    checkRedirect(text)
}

private func requireReadsBack(_ address: WebAddress) {
    // Longer ones are refused, which is why a key of 2 KB may not fit behind a URL of 8 KB.
    guard address.url.utf8.count <= 8_192 else { return }
    do throws(OriginError) {
        let again = try WebAddress(address.url)
        require(again == address.with(nil), "\(address.url) reads back as \(again)")
    } catch {
        require(false, "\(address.url) is refused: \(error.message)")
    }
}

private func checkRedirect(_ text: String) {
    for start in ["https://user:secret@example.org/em", "http://user:secret@example.org:81/em?a=b"] {
        guard let original = try? WebAddress(start) else {
            require(false, "\(start) is refused")
            return
        }
        let request = HTTPRequest(address: original, place: original.name, range: nil, limit: 1)
        let answer = HTTPAnswer(
            status: 302,
            fields: ResponseFields(),
            bytes: [],
            retryAfter: 0,
            redirect: text
        )
        do throws(OriginError) {
            let target = try HTTPClient.target(of: answer, from: request, original)
            require(original.scheme == "http" || target.scheme == "https", "from https to \(target.url)")
            let isOwn = target.isSameServer(as: original)
            require(
                target.credentials == (isOwn ? original.credentials : nil),
                "a password for \(target.url)"
            )
        } catch {
            requireSentence(error.message, longest: 1_000)
        }
    }
}

private func checkKey(_ text: String) {
    guard let key = try? ObjectKey(text) else { return }
    require((1...ObjectKey.segmentLimit).contains(key.segments.count), "\(key.segments.count) parts")
    for segment in key.segments {
        let bytes = Array(segment.utf8)
        require(!bytes.isEmpty && bytes != [46] && bytes != [46, 46], "the part \(segment)")
        require(!bytes.contains(47) && !bytes.contains(0), "the part \(segment)")
    }
    require((try? ObjectKey(key.path)) == key, "\(key.path) reads back as another")
}
