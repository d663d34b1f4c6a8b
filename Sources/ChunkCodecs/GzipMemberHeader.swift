// SPDX-License-Identifier: Apache-2.0

/// Reads the header of one gzip member, byte by byte (RFC 1952 §2.3).
///
/// Every field but the flags is skipped; the optional header checksum is checked. Names, comments and
/// extra fields are limited to 64 KiB each.
struct GzipMemberHeader {
    static let maxFieldByteCount = 65_536

    private enum Field {
        case magic1, magic2, method, flags
        /// MTIME, XFL and OS.
        case fixed(left: Int)
        case extraLength1
        case extraLength2(low: UInt8)
        case extra(left: Int)
        case name(count: Int)
        case comment(count: Int)
        case checksum1
        case checksum2(low: UInt8)
        case done
    }

    private var field = Field.magic1
    private var flags: UInt8 = 0
    private var crc: UInt32 = 0
    private let isFirstMember: Bool

    init(isFirstMember: Bool) { self.isFirstMember = isFirstMember }

    /// Returns whether the header ends with this byte.
    mutating func take(_ byte: UInt8) throws(InflateError) -> Bool {
        var computed: UInt16 = 0
        if flags & Flag.checksum != 0 {
            computed = UInt16(truncatingIfNeeded: crc)
        }
        // The checksum covers everything before itself; the flags come too late to skip the first bytes.
        crc = withUnsafeBytes(of: byte) { CRC32.update(crc, $0) }

        switch field {
        case .magic1:
            guard byte == 0x1F else { throw isFirstMember ? .notGzip : .trailingBytes }
            field = .magic2
        case .magic2:
            guard byte == 0x8B else { throw isFirstMember ? .notGzip : .trailingBytes }
            field = .method
        case .method:
            guard byte == 8 else { throw .unsupportedMethod(byte) }
            field = .flags
        case .flags:
            guard byte & Flag.reserved == 0 else { throw .reservedFlags(byte) }
            flags = byte
            field = .fixed(left: 6)
        case .fixed(let left):
            field = left > 1 ? .fixed(left: left - 1) : afterFixed
        case .extraLength1:
            field = .extraLength2(low: byte)
        case .extraLength2(let low):
            let count = Int(byte) << 8 | Int(low)
            field = count > 0 ? .extra(left: count) : afterExtra
        case .extra(let left):
            field = left > 1 ? .extra(left: left - 1) : afterExtra
        case .name(let count):
            guard count < GzipMemberHeader.maxFieldByteCount else {
                throw .headerTooLong(limit: GzipMemberHeader.maxFieldByteCount)
            }
            field = byte == 0 ? afterName : .name(count: count + 1)
        case .comment(let count):
            guard count < GzipMemberHeader.maxFieldByteCount else {
                throw .headerTooLong(limit: GzipMemberHeader.maxFieldByteCount)
            }
            field = byte == 0 ? afterComment : .comment(count: count + 1)
        case .checksum1:
            guard byte == UInt8(computed & 0xFF) else { throw .headerChecksumMismatch }
            field = .checksum2(low: UInt8(computed >> 8))
        case .checksum2(let high):
            guard byte == high else { throw .headerChecksumMismatch }
            field = .done
        case .done:
            preconditionFailure("the header had ended")
        }
        if case .done = field { return true }
        return false
    }

    private enum Flag {
        static let checksum: UInt8 = 1 << 1
        static let extra: UInt8 = 1 << 2
        static let name: UInt8 = 1 << 3
        static let comment: UInt8 = 1 << 4
        static let reserved: UInt8 = 0b1110_0000
    }

    private var afterFixed: Field { flags & Flag.extra != 0 ? .extraLength1 : afterExtra }
    private var afterExtra: Field { flags & Flag.name != 0 ? .name(count: 0) : afterName }
    private var afterName: Field { flags & Flag.comment != 0 ? .comment(count: 0) : afterComment }
    private var afterComment: Field { flags & Flag.checksum != 0 ? .checksum1 : .done }
}
