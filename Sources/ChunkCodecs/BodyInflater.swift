// SPDX-License-Identifier: Apache-2.0

/// How a body is compressed: the `Content-Encoding` values that are read.
package enum BodyCoding: Sendable, Hashable {
    /// One gzip member or several, one after another (RFC 1952).
    case gzip
    /// One zlib stream (RFC 1950); HTTP calls it `deflate`.
    case deflate
}

/// What one call of ``BodyInflater/inflate(_:into:)`` did.
package struct InflateProgress: Equatable, Sendable {
    package enum State: Sendable {
        /// All input was taken; the stream is not at its end.
        case needsInput
        /// The output is full. Call again with a new one, of at least one byte, before the next input:
        /// bytes may be waiting even if all input was taken.
        case outputFull
        /// All input was taken and the stream may end here; further gzip members may follow.
        case ended
    }

    package let consumed: Int
    package let produced: Int
    package let state: State
}

/// Inflates a compressed body in pieces of any size, checking every header, checksum and length.
///
/// Rules:
/// - never writes past the output it is given, so the caller's limit on inflated bytes holds by itself;
/// - every call makes progress or says what it waits for;
/// - behind a gzip member only another one may come, behind a zlib stream nothing;
/// - after a throw every call throws the same error.
///
/// Not thread-safe: one lane at a time.
package final class BodyInflater {
    private enum State {
        case gzipHeader(GzipMemberHeader)
        case zlibHeader(first: UInt8?)
        case body
        /// `count` bytes of the checksum, and for gzip the length, were read into `value`.
        case trailer(value: UInt64, count: UInt64)
        /// One member or stream is complete.
        case ended
        case failed(InflateError)
    }

    private let coding: BodyCoding
    private let raw: any RawInflater
    private var state: State
    /// Bytes behind the deflate data that the library took already; they go before any new input.
    private var unread = UnreadBytes()
    private var checksum: UInt32 = 0
    /// Inflated bytes of this member, modulo 2^32.
    private var length: UInt32 = 0

    /// - Throws: ``InflateError/outOfMemory``.
    package init(
        _ coding: BodyCoding,
        backend: DeflateBackend = .preferred
    ) throws(InflateError) {
        self.coding = coding
        switch backend {
        #if ISAL
            case .isal: raw = try ISALInflater()
        #endif
        case .zlib: raw = try ZlibInflater()
        }
        switch coding {
        case .gzip: state = .gzipHeader(GzipMemberHeader(isFirstMember: true))
        case .deflate: state = .zlibHeader(first: nil)
        }
    }

    /// Inflates from the front of `input` into the front of `output`.
    package func inflate(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(InflateError) -> InflateProgress {
        if case .failed(let error) = state { throw error }
        do {
            return try advance(input, output)
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// Takes input that must hold nothing but the end of the stream: the content is complete already.
    ///
    /// - Throws: ``InflateError/longerThanExpected`` if the stream inflates to one byte more.
    package func expectEnd(_ input: UnsafeRawBufferPointer) throws(InflateError) {
        var spare: UInt8 = 0
        let result = withUnsafeMutableBytes(of: &spare) { output in
            Result { () throws(InflateError) in try inflate(input, into: output) }
        }
        guard try result.get().produced == 0 else {
            state = .failed(.longerThanExpected)
            throw .longerThanExpected
        }
    }

    /// To be called when all bytes of the body were inflated.
    ///
    /// - Throws: ``InflateError/truncated`` if the stream is not complete.
    package func finish() throws(InflateError) {
        switch state {
        case .ended: return
        case .failed(let error): throw error
        case .gzipHeader, .zlibHeader, .body, .trailer: throw .truncated
        }
    }

    /// Each turn takes a byte, moves bytes through the library, changes the state, or returns.
    private func advance(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) throws(InflateError) -> InflateProgress {
        var consumed = 0
        var produced = 0
        while true {
            if case .body = state {
                guard produced < output.count else {
                    return InflateProgress(consumed: consumed, produced: produced, state: .outputFull)
                }
                let rest = UnsafeMutableRawBufferPointer(rebasing: output[produced...])
                let step = try raw.inflate(UnsafeRawBufferPointer(rebasing: input[consumed...]), into: rest)
                check(UnsafeRawBufferPointer(rebasing: rest[..<step.produced]))
                consumed += step.consumed
                produced += step.produced
                if step.isFinished {
                    unread = raw.takeUnread()
                    state = .trailer(value: 0, count: 0)
                } else if produced < output.count, consumed == input.count {
                    return InflateProgress(consumed: consumed, produced: produced, state: .needsInput)
                } else if step.consumed == 0, step.produced == 0 {
                    throw .corrupt
                }
                continue
            }
            let byte: UInt8
            if let earlier = unread.popFirst() {
                byte = earlier
            } else if consumed < input.count {
                byte = input[consumed]
                consumed += 1
            } else {
                return InflateProgress(consumed: consumed, produced: produced, state: stateBetweenInputs)
            }
            try take(byte)
        }
    }

    private var stateBetweenInputs: InflateProgress.State {
        if case .ended = state { return .ended }
        return .needsInput
    }

    /// Takes one byte that lies outside of deflate data.
    private func take(_ byte: UInt8) throws(InflateError) {
        switch state {
        case .ended where coding == .gzip:
            var header = GzipMemberHeader(isFirstMember: false)
            _ = try header.take(byte)
            state = .gzipHeader(header)
        case .ended:
            throw .trailingBytes
        case .gzipHeader(var header):
            if try header.take(byte) {
                beginBody(checksum: 0)
            } else {
                state = .gzipHeader(header)
            }
        case .zlibHeader(first: nil):
            state = .zlibHeader(first: byte)
        case .zlibHeader(let first?):
            try checkZlibHeader(first, byte)
            beginBody(checksum: 1)
        case .trailer(let value, let count):
            try takeTrailer(byte, value: value, count: count)
        case .body, .failed:
            preconditionFailure("no byte is due")
        }
    }

    /// RFC 1950 §2.2.
    private func checkZlibHeader(_ method: UInt8, _ flags: UInt8) throws(InflateError) {
        guard (Int(method) << 8 | Int(flags)) % 31 == 0 else { throw .notZlib }
        guard method & 0x0F == 8 else { throw .unsupportedMethod(method & 0x0F) }
        guard method >> 4 <= 7 else { throw .notZlib }
        guard flags & 0x20 == 0 else { throw .presetDictionary }
    }

    private func beginBody(checksum initial: UInt32) {
        raw.reset()
        checksum = initial
        length = 0
        state = .body
    }

    private func check(_ bytes: UnsafeRawBufferPointer) {
        switch coding {
        case .gzip: checksum = CRC32.update(checksum, bytes)
        case .deflate: checksum = Adler32.update(checksum, bytes)
        }
        length &+= UInt32(truncatingIfNeeded: bytes.count)
    }

    /// gzip: CRC-32 and ISIZE, little endian. zlib: Adler-32, big endian.
    private func takeTrailer(_ byte: UInt8, value: UInt64, count: UInt64) throws(InflateError) {
        let stored: UInt32
        switch coding {
        case .gzip:
            let value = value | UInt64(byte) << (8 * count)
            guard count == 7 else {
                state = .trailer(value: value, count: count + 1)
                return
            }
            let storedLength = UInt32(truncatingIfNeeded: value >> 32)
            stored = UInt32(truncatingIfNeeded: value)
            guard stored == checksum else { throw .checksumMismatch(stored: stored, computed: checksum) }
            guard storedLength == length else {
                throw .lengthMismatch(stored: storedLength, computed: length)
            }
        case .deflate:
            let value = value << 8 | UInt64(byte)
            guard count == 3 else {
                state = .trailer(value: value, count: count + 1)
                return
            }
            stored = UInt32(truncatingIfNeeded: value)
            guard stored == checksum else { throw .checksumMismatch(stored: stored, computed: checksum) }
        }
        state = .ended
    }
}
