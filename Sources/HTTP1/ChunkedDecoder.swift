// SPDX-License-Identifier: Apache-2.0

/// Decodes `Transfer-Encoding: chunked` by RFC 9112 §7.1, without copying data.
///
/// A size is 1 to 16 hexadecimal digits and then `;` or CRLF, nothing else. Data ends in exactly CRLF.
/// Extensions are skipped and trailers checked and dropped, both within limits.
struct ChunkedDecoder {
    enum Outcome {
        case data(Range<Int>)
        case end
        case needMore
        case failed(ProtocolError)
    }

    private enum State {
        case sizeLine
        case data(remaining: Int)
        case dataCR
        case dataLF
        case trailers
    }

    private let limits: HTTP1Limits
    private var state = State.sizeLine
    private var lines = LineReader()
    private var bodyBytes = 0
    private var extensionBytes = 0
    private var trailerBytes = 0
    private var trailerCount = 0

    init(limits: HTTP1Limits) {
        self.limits = limits
    }

    /// How many of the following bytes are data of the current chunk.
    var remainingData: Int {
        if case .data(let remaining) = state { remaining } else { 0 }
    }

    /// Notes that `count` bytes of data, at most ``remainingData``, did not pass through ``next(in:at:)``.
    mutating func skipData(_ count: Int) {
        guard case .data(let remaining) = state, count > 0 else { return }
        state = count >= remaining ? .dataCR : .data(remaining: remaining - count)
    }

    /// As ``RequestParser/next(in:at:bodyLimit:)``, for the body alone.
    mutating func next(
        in bytes: UnsafeRawBufferPointer,
        at position: inout Int,
        dataLimit: Int
    ) -> Outcome {
        while true {
            switch state {
            case .sizeLine:
                if let outcome = sizeLine(bytes, &position) { return outcome }
            case .data(let remaining):
                guard position < bytes.count else { return .needMore }
                let count = min(remaining, bytes.count - position, dataLimit)
                let range = position..<position + count
                position += count
                state = count == remaining ? .dataCR : .data(remaining: remaining - count)
                return .data(range)
            case .dataCR:
                guard position < bytes.count else { return .needMore }
                guard bytes[position] == 0x0D else { return .failed(Self.unended) }
                position += 1
                state = .dataLF
            case .dataLF:
                guard position < bytes.count else { return .needMore }
                guard bytes[position] == 0x0A else { return .failed(Self.unended) }
                position += 1
                state = .sizeLine
            case .trailers:
                if let outcome = trailerLine(bytes, &position) { return outcome }
            }
        }
    }

    private static var unended: ProtocolError {
        .malformedChunk("The data of a chunk is not followed by CRLF.")
    }

    private mutating func sizeLine(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Outcome? {
        do throws(ProtocolError) {
            switch lines.next(in: bytes, at: &position, limit: limits.chunkLineBytes) {
            case .line(let range): try size(bytes.slice(range))
            case .carriedLine:
                let line = lines.takeCarried()
                try size(line)
                lines.recycle(line)
            case .needMore: return .needMore
            case .tooLong: throw .chunkExtensionTooLarge(limit: limits.chunkLineBytes)
            case .bareLineFeed: throw .bareLineFeed(.chunkLine)
            case .bareCarriageReturn: throw .bareCarriageReturn(.chunkLine)
            case .controlByte(let byte): throw .controlByte(byte, .chunkLine)
            }
            return nil
        } catch {
            return .failed(error)
        }
    }

    private mutating func size(_ line: [UInt8]) throws(ProtocolError) {
        try line.withUnsafeBufferPointer { bytes throws(ProtocolError) in
            try size(UnsafeRawBufferPointer(bytes))
        }
    }

    private mutating func size(_ line: UnsafeRawBufferPointer) throws(ProtocolError) {
        var digits = 0
        var size: UInt64 = 0
        while digits < line.count, let value = hexValue(line[digits]) {
            guard digits < 16 else { throw .malformedChunk("A chunk size has more than 16 digits.") }
            size = size << 4 | UInt64(value)
            digits += 1
        }
        guard digits > 0, digits == line.count || line[digits] == UInt8(ascii: ";") else {
            throw .malformedChunk("The chunk-size line \(ProtocolError.quoted(line)) is not valid.")
        }
        extensionBytes += line.count - digits
        guard extensionBytes <= limits.chunkExtensionBytes else {
            throw .chunkExtensionTooLarge(limit: limits.chunkExtensionBytes)
        }
        guard size > 0 else {
            state = .trailers
            return
        }
        guard size <= UInt64(max(0, limits.bodyBytes - bodyBytes)) else {
            throw .bodyTooLarge(limit: limits.bodyBytes)
        }
        bodyBytes += Int(size)
        state = .data(remaining: Int(size))
    }

    private mutating func trailerLine(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Outcome? {
        do throws(ProtocolError) {
            let room = limits.trailerBytes - trailerBytes
            switch lines.next(in: bytes, at: &position, limit: max(0, min(limits.fieldBytes, room))) {
            case .line(let range): return try trailer(bytes.slice(range))
            case .carriedLine:
                let line = lines.takeCarried()
                let outcome = try line.withUnsafeBufferPointer { bytes throws(ProtocolError) in
                    try trailer(UnsafeRawBufferPointer(bytes))
                }
                lines.recycle(line)
                return outcome
            case .needMore: return .needMore
            case .tooLong where room < limits.fieldBytes:
                throw .sectionTooLarge(limit: limits.trailerBytes, .trailer)
            case .tooLong: throw .fieldTooLong(limit: limits.fieldBytes, .trailer)
            case .bareLineFeed: throw .bareLineFeed(.trailer)
            case .bareCarriageReturn: throw .bareCarriageReturn(.trailer)
            case .controlByte(let byte): throw .controlByte(byte, .trailer)
            }
        } catch {
            return .failed(error)
        }
    }

    private mutating func trailer(_ line: UnsafeRawBufferPointer) throws(ProtocolError) -> Outcome? {
        guard !line.isEmpty else { return .end }
        guard trailerCount < limits.trailerCount else {
            throw .tooManyFields(limit: limits.trailerCount, .trailer)
        }
        _ = try FieldLine(line, part: .trailer)
        trailerBytes += line.count + 2
        trailerCount += 1
        return nil
    }
}
