// SPDX-License-Identifier: Apache-2.0

/// A set of ASCII bytes as 128 bits; bytes above 0x7F are in none.
struct ByteSet {
    let low: UInt64
    let high: UInt64

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? low : high
        return byte < 128 && (word &>> UInt64(byte & 63)) & 1 == 1
    }

    /// `tchar` of RFC 9110 §5.6.2: letters, digits and ``!#$%&'*+-.^_`|~``.
    @inline(__always)
    static var token: ByteSet { ByteSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }

    /// `pchar` of RFC 3986 §3.3 without `%`: unreserved, sub-delims, `:` and `@`.
    @inline(__always)
    static var pathCharacter: ByteSet { ByteSet(low: 0x2FFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFF) }

    /// `reg-name` of RFC 3986 §3.2.2 without `%`: unreserved and sub-delims.
    @inline(__always)
    static var registeredName: ByteSet { ByteSet(low: 0x2BFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
}

/// The value of a hexadecimal digit, or nil.
@inline(__always)
func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
    default: nil
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes of a range, as a buffer of its own. The range lies within this buffer.
    @inline(__always)
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }

    /// The bytes from `start` on. `start` is at most `count`.
    @inline(__always)
    func dropping(_ start: Int) -> UnsafeRawBufferPointer {
        slice(start..<count)
    }

    /// Without spaces and tabs at both ends.
    @inline(__always)
    var trimmed: UnsafeRawBufferPointer {
        var lower = 0
        var upper = count
        while lower < upper, self[lower] == 0x20 || self[lower] == 0x09 { lower &+= 1 }
        while upper > lower, self[upper &- 1] == 0x20 || self[upper &- 1] == 0x09 { upper &-= 1 }
        return slice(lower..<upper)
    }

    /// Whether these bytes are `lowercase` but for the case of ASCII letters.
    ///
    /// `lowercase` has no upper-case letters.
    @inline(__always)
    func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        guard count == lowercase.utf8CodeUnitCount else { return false }
        let other = lowercase.utf8Start
        for index in 0..<count {
            let byte = self[index]
            let isUpper = byte &- 0x41 < 26
            if (isUpper ? byte | 0x20 : byte) != other[index] { return false }
        }
        return true
    }

    /// Whether no byte is above 0x7F.
    @inline(__always)
    var isASCII: Bool {
        var bits: UInt64 = 0
        var index = 0
        while index &+ 8 <= count {
            bits |= loadUnaligned(fromByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        while index < count {
            bits |= UInt64(self[index])
            index &+= 1
        }
        return bits & 0x8080_8080_8080_8080 == 0
    }

    /// The index of the first control byte other than tab at or after `start`, or `count`.
    ///
    /// Looks at eight bytes at a time: `(x - 0x20…) & ~x & 0x80…` marks bytes below 0x20. A borrow can mark
    /// a byte wrongly only above one that is marked rightly, so the lowest mark is always right.
    @inline(__always)
    func firstControlByte(from start: Int) -> Int {
        let highBits: UInt64 = 0x8080_8080_8080_8080
        var index = start
        while index &+ 8 <= count {
            let word = UInt64(littleEndian: loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let below = (word &- 0x2020_2020_2020_2020) & ~word & highBits
            let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let isDelete = (delete &- 0x0101_0101_0101_0101) & ~delete & highBits
            let marks = below | isDelete
            if marks == 0 {
                index &+= 8
                continue
            }
            index &+= marks.trailingZeroBitCount &>> 3
            if self[index] != 0x09 { return index }
            index &+= 1
        }
        while index < count {
            let byte = self[index]
            if (byte < 0x20 && byte != 0x09) || byte == 0x7F { return index }
            index &+= 1
        }
        return count
    }

    /// The index of the first `byte` at or after `start`, or nil.
    @inline(__always)
    func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        var index = start
        while index < count {
            if self[index] == byte { return index }
            index &+= 1
        }
        return nil
    }
}
