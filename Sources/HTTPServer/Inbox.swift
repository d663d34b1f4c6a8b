// SPDX-License-Identifier: Apache-2.0

/// Bytes that have arrived and are not parsed yet.
///
/// During a read callback they lie in the read's own memory, lent to the inbox; what is left when the callback
/// ends is copied. So a request that is answered at once is never copied.
struct Inbox {
    /// Valid from ``lend(_:)`` until ``keepRest()``, which the read callback calls around everything else.
    private var lent = UnsafeRawBufferPointer(start: nil, count: 0)
    private var kept: [UInt8] = []
    private var start = 0

    /// How many bytes there are.
    var count: Int { lent.count + kept.count - start }

    /// Whether there are none.
    var isEmpty: Bool { lent.isEmpty && start == kept.count }

    /// Takes bytes for the time of a read callback.
    mutating func lend(_ bytes: UnsafeRawBufferPointer) {
        if start < kept.count {
            kept.append(contentsOf: bytes)
        } else {
            lent = bytes
        }
    }

    /// Copies what was lent and not used.
    mutating func keepRest() {
        guard !lent.isEmpty else { return }
        if start == kept.count {
            kept.removeAll(keepingCapacity: true)
            start = 0
        }
        kept.append(contentsOf: lent)
        lent = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Gives the bytes to `body`, with a position that it moves past what it used.
    @inline(__always)
    mutating func parse<Result>(_ body: (UnsafeRawBufferPointer, inout Int) -> Result) -> Result {
        var position = 0
        guard start < kept.count else {
            let result = body(lent, &position)
            lent = UnsafeRawBufferPointer(rebasing: lent[position...])
            return result
        }
        let result = kept.withUnsafeBytes { bytes in
            body(UnsafeRawBufferPointer(rebasing: bytes[start...]), &position)
        }
        start += position
        if start == kept.count {
            kept = []
            start = 0
        } else if start > 1 << 16 {
            kept.removeFirst(start)
            start = 0
        }
        return result
    }

    /// Drops everything.
    mutating func clear() {
        self = Inbox()
    }
}
