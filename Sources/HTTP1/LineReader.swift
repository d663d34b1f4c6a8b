// SPDX-License-Identifier: Apache-2.0

/// Cuts a byte stream into lines that end in CRLF, however the bytes are split into reads.
///
/// A line that lies within one read is never copied; one that does not is carried over, up to its limit. A
/// limit is looked at before the byte that ends a line, so the outcome does not depend on the splitting.
struct LineReader {
    enum Outcome {
        /// A line without its CRLF, as a range of the bytes given.
        case line(Range<Int>)
        /// A line without its CRLF; ``takeCarried()`` has it.
        case carriedLine
        case needMore
        case tooLong
        case bareLineFeed
        case bareCarriageReturn
        case controlByte(UInt8)
    }

    private var carried: [UInt8] = []
    private var carriedCR = false

    /// Whether part of a line was read.
    var isInsideLine: Bool { carriedCR || !carried.isEmpty }

    /// The first bytes of the line of which only a part was read.
    var partialLine: [UInt8] { carried }

    /// Reads up to the end of a line, or all bytes given. `position` is at most `bytes.count`.
    mutating func next(
        in bytes: UnsafeRawBufferPointer,
        at position: inout Int,
        limit: Int
    ) -> Outcome {
        if carriedCR {
            guard position < bytes.count else { return .needMore }
            guard bytes[position] == 0x0A else { return .bareCarriageReturn }
            position &+= 1
            carriedCR = false
            return .carriedLine
        }
        let start = position
        let end = bytes.firstControlByte(from: start)
        guard carried.count &+ (end &- start) <= limit else {
            carry(bytes, start..<min(end, start &+ limit &- carried.count))
            return .tooLong
        }
        position = end
        guard end < bytes.count else {
            carry(bytes, start..<end)
            return .needMore
        }
        switch bytes[end] {
        case 0x0D:
            position = end &+ 1
            guard position < bytes.count else {
                carry(bytes, start..<end)
                carriedCR = true
                return .needMore
            }
            guard bytes[position] == 0x0A else { return .bareCarriageReturn }
            position &+= 1
            guard !carried.isEmpty else { return .line(start..<end) }
            carry(bytes, start..<end)
            return .carriedLine
        case 0x0A: return .bareLineFeed
        case let byte: return .controlByte(byte)
        }
    }

    /// Hands over the carried line; give it back with ``recycle(_:)`` to keep its memory.
    mutating func takeCarried() -> [UInt8] {
        let line = carried
        carried = []
        return line
    }

    /// Keeps the memory of a line that was taken.
    mutating func recycle(_ line: consuming [UInt8]) {
        line.removeAll(keepingCapacity: true)
        carried = line
    }

    /// Frees the memory for carried lines.
    mutating func release() {
        carried = []
    }

    private mutating func carry(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        carried.append(contentsOf: bytes.slice(range))
    }
}
