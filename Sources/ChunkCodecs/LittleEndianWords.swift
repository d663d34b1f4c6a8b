// SPDX-License-Identifier: Apache-2.0

/// Bytes read as little-endian words of 32 bits, at any address. Lent: the bytes must outlive it.
struct LittleEndianWords {
    private let base: UnsafeRawPointer?
    /// Whole words.
    let count: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        base = bytes.baseAddress
        count = bytes.count / 4
    }

    private init(base: UnsafeRawPointer?, count: Int) {
        self.base = base
        self.count = count
    }

    subscript(index: Int) -> UInt32 {
        precondition(index >= 0 && index < count, "a word of these")
        return UInt32(littleEndian: pointer(at: index).loadUnaligned(as: UInt32.self))
    }

    /// The address of a word, or of the end.
    func pointer(at index: Int) -> UnsafeRawPointer {
        guard let base, index >= 0, index <= count else { preconditionFailure("a word of these") }
        return base + 4 * index
    }

    func dropFirst(_ dropped: Int) -> LittleEndianWords {
        LittleEndianWords(base: pointer(at: dropped), count: count - dropped)
    }
}
