// SPDX-License-Identifier: Apache-2.0

/// A push parser for a stream of HTTP/1.1 requests: give it bytes, take events.
///
/// It holds at most one partial line, and it decides the same however the bytes are split. Every event but
/// ``Event/needMore`` and ``Event/failed(_:)`` should be followed by another call, with the same bytes and
/// position, until one of those comes. After ``Event/end`` the next call reads the next request: a caller
/// that answers one request at a time keeps the remaining bytes until then.
///
/// The header section is read by lines, each checked as soon as it is whole, so that nonsense is refused
/// early and nothing beyond a limit is ever held.
package struct RequestParser: Sendable {
    /// What the bytes meant.
    package enum Event {
        /// A head; its body (none, too) follows.
        case head(RequestHead)
        /// Body bytes, as a range of the bytes given; chunked framing is already taken off.
        case body(Range<Int>)
        /// The request is complete.
        case end
        /// All bytes given are used.
        case needMore
        /// The stream is unusable from here on; every further call returns the same.
        case failed(ProtocolError)
    }

    private enum State {
        case head
        case length(remaining: Int)
        case chunked
        case failed(ProtocolError)
    }

    private let limits: HTTP1Limits
    private var state = State.head
    private var lines = LineReader()
    private var assembly: HeadAssembly
    private var chunks: ChunkedDecoder
    private var emptyLines = 0
    private var sectionBytes = 0
    private var hasRequestLine = false

    /// A parser at the beginning of a connection.
    package init(limits: HTTP1Limits = HTTP1Limits()) {
        self.limits = limits.clamped
        assembly = HeadAssembly(limits: self.limits)
        chunks = ChunkedDecoder(limits: self.limits)
    }

    /// Whether a head has begun to arrive and is not yet complete. Empty lines before it count.
    package var isInsideHead: Bool {
        guard case .head = state else { return false }
        return hasRequestLine || emptyLines > 0 || lines.isInsideLine
    }

    /// How many of the next bytes of the stream are body and nothing else.
    ///
    /// That many may be read past the parser, into the memory where they belong, if
    /// ``consumedDirectly(_:)`` is told. With chunked framing it reaches to the end of the current chunk.
    package var directBodyBytes: Int {
        switch state {
        case .length(let remaining): remaining
        case .chunked: chunks.remainingData
        case .head, .failed: 0
        }
    }

    /// Notes that `count` body bytes, at most ``directBodyBytes``, were read without the parser.
    ///
    /// The request's ``Event/end`` still comes from ``next(in:at:)``, perhaps from empty input.
    package mutating func consumedDirectly(_ count: Int) {
        precondition(count >= 0 && count <= directBodyBytes, "more bytes consumed than are body")
        switch state {
        case .length(let remaining): state = .length(remaining: remaining - count)
        case .chunked: chunks.skipData(count)
        case .head, .failed: break
        }
    }

    /// The next event of `bytes` from `position` on; moves `position` past what it used.
    ///
    /// `position` is at most `bytes.count`. Time is linear in the bytes used.
    /// - Parameters:
    ///   - bytes: What has arrived.
    ///   - position: From where on it was not parsed yet.
    ///   - bodyLimit: The most body bytes to take. With 0 the parser goes on to the next body byte, if there is
    ///     one, and returns an empty range before it.
    /// - Returns: What the bytes up to the new position mean.
    package mutating func next(
        in bytes: UnsafeRawBufferPointer,
        at position: inout Int,
        bodyLimit: Int = .max
    ) -> Event {
        switch state {
        case .head:
            return nextOfHead(in: bytes, at: &position)
        case .length(let remaining):
            guard remaining > 0 else {
                state = .head
                return .end
            }
            guard position < bytes.count else { return .needMore }
            let count = min(remaining, bytes.count - position, bodyLimit)
            state = .length(remaining: remaining - count)
            position += count
            return .body(position - count..<position)
        case .chunked:
            switch chunks.next(in: bytes, at: &position, dataLimit: bodyLimit) {
            case .data(let range): return .body(range)
            case .needMore: return .needMore
            case .failed(let error): return fail(error)
            case .end:
                state = .head
                return .end
            }
        case .failed(let error):
            return .failed(error)
        }
    }

    private mutating func fail(_ error: ProtocolError) -> Event {
        state = .failed(error)
        lines = LineReader()
        return .failed(error)
    }

    private mutating func nextOfHead(in bytes: UnsafeRawBufferPointer, at position: inout Int) -> Event {
        do throws(ProtocolError) {
            while true {
                if !hasRequestLine, !lines.isInsideLine, position < bytes.count {
                    try firstByte(bytes[position])
                }
                let limit = lineLimit
                let head: RequestHead?
                switch lines.next(in: bytes, at: &position, limit: limit) {
                case .line(let range): head = try line(bytes.slice(range))
                case .carriedLine:
                    let carried = lines.takeCarried()
                    head = try carried.withUnsafeBufferPointer { bytes throws(ProtocolError) in
                        try line(UnsafeRawBufferPointer(bytes))
                    }
                    lines.recycle(carried)
                case .needMore: return .needMore
                case .tooLong: throw tooLong()
                case .bareLineFeed: throw .bareLineFeed(part)
                case .bareCarriageReturn: throw .bareCarriageReturn(part)
                case .controlByte(let byte): throw .controlByte(byte, part)
                }
                if let head {
                    begin(head)
                    return .head(head)
                }
            }
        } catch {
            return fail(error)
        }
    }

    private var part: ProtocolError.Part { hasRequestLine ? .header : .requestLine }

    private var lineLimit: Int {
        // A target at its limit fits behind the longest method: what is longer is over it, or no request line.
        guard hasRequestLine else { return KnownMethod.longestByteCount + 1 + limits.targetBytes + 9 }
        return max(0, min(limits.fieldBytes, limits.headBytes - sectionBytes))
    }

    /// Refuses at once what is not even the beginning of a request line.
    private func firstByte(_ byte: UInt8) throws(ProtocolError) {
        guard ByteSet.token.contains(byte) || byte == 0x0D || byte == 0x0A || byte == 0x20 || byte == 0x09
        else {
            throw .notHTTP(firstByte: byte)
        }
    }

    private func tooLong() -> ProtocolError {
        guard hasRequestLine else {
            let method = lines.partialLine.prefix(256).prefix { $0 != UInt8(ascii: " ") }
            if method.count > KnownMethod.longestByteCount, method.allSatisfy(ByteSet.token.contains) {
                return method.withUnsafeBytes { .unknownMethod(ProtocolError.quoted($0)) }
            }
            return .targetTooLong(limit: limits.targetBytes)
        }
        return limits.headBytes - sectionBytes <= limits.fieldBytes
            ? .sectionTooLarge(limit: limits.headBytes, .header)
            : .fieldTooLong(limit: limits.fieldBytes, .header)
    }

    /// Takes one whole line of the head; returns the head if it was the last.
    @inline(__always)
    private mutating func line(_ line: UnsafeRawBufferPointer) throws(ProtocolError) -> RequestHead? {
        if hasRequestLine {
            guard !line.isEmpty else { return try assembly.finish() }
            try assembly.fieldLine(line)
            sectionBytes += line.count + 2
        } else if line.isEmpty {
            emptyLines += 1
            guard emptyLines <= limits.leadingEmptyLines else {
                throw .tooManyEmptyLines(limit: limits.leadingEmptyLines)
            }
        } else {
            try assembly.requestLine(line)
            hasRequestLine = true
        }
        return nil
    }

    /// Turns from the head to its body and makes ready for the next head.
    private mutating func begin(_ head: RequestHead) {
        switch head.framing {
        case .none: state = .length(remaining: 0)
        case .length(let length): state = .length(remaining: length)
        case .chunked:
            state = .chunked
            chunks = ChunkedDecoder(limits: limits)
        }
        assembly = HeadAssembly(limits: limits)
        lines.release()
        emptyLines = 0
        sectionBytes = 0
        hasRequestLine = false
    }
}

extension HTTP1Limits {
    /// With every limit at least 1 and at most 2^48, so that sums of them cannot overflow.
    var clamped: HTTP1Limits {
        func clamp(_ value: Int) -> Int { min(max(value, 1), 1 << 48) }
        var limits = self
        limits.targetBytes = clamp(targetBytes)
        limits.headBytes = clamp(headBytes)
        limits.fieldBytes = clamp(fieldBytes)
        limits.fieldCount = min(clamp(fieldCount), 10_000)
        limits.leadingEmptyLines = max(0, leadingEmptyLines)
        limits.bodyBytes = max(0, bodyBytes)
        limits.chunkLineBytes = clamp(chunkLineBytes)
        limits.chunkExtensionBytes = clamp(chunkExtensionBytes)
        limits.trailerBytes = clamp(trailerBytes)
        limits.trailerCount = clamp(trailerCount)
        return limits
    }
}
