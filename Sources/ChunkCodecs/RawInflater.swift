// SPDX-License-Identifier: Apache-2.0

/// Inflates raw deflate (RFC 1951), one stream after another; headers and checksums are the caller's.
protocol RawInflater: AnyObject {
    /// Makes ready for a new stream.
    func reset()

    /// Inflates until the input is used up, the output is full, or the stream has ended.
    ///
    /// `output` is not empty.
    func inflate(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(InflateError) -> RawInflateStep

    /// After the end: bytes behind the stream that were taken all the same, at most 8.
    func takeUnread() -> UnreadBytes
}

struct RawInflateStep {
    let consumed: Int
    let produced: Int
    /// The final block has ended and all its bytes were given out.
    let isFinished: Bool
}

/// Up to 8 bytes, first in, first out.
struct UnreadBytes {
    private var word: UInt64 = 0
    private var count = 0

    init() {}

    init(_ bytes: some Collection<UInt8>) {
        for byte in bytes.prefix(8) {
            word |= UInt64(byte) << (8 * UInt64(count))
            count += 1
        }
    }

    mutating func popFirst() -> UInt8? {
        guard count > 0 else { return nil }
        defer {
            word >>= 8
            count -= 1
        }
        return UInt8(truncatingIfNeeded: word)
    }
}

/// Most bytes given to a C library in one call: its counts have 32 bits.
let largestCInput = 1 << 30
