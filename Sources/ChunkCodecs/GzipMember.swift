// SPDX-License-Identifier: Apache-2.0

/// Joins blocks into one gzip member: the header, the blocks in order, the trailer (RFC 1952 §2.3).
///
///     send(GzipMember.header)
///     for block in blocks { member.append(block); send(block.bytes) }
///     send(member.trailer)
package struct GzipMember: Sendable {
    /// No name, no time, fastest method, unknown system: the same bytes for everybody.
    package static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 255]

    /// CRC-32 of everything so far.
    package private(set) var crc: UInt32 = 0
    /// Bytes of everything so far, uncompressed.
    package private(set) var inputCount = 0

    package init() {}

    /// Accounts for the next block. Order matters.
    package mutating func append(_ block: CompressedBlock) {
        crc = CRC32.combine(crc, block.crc, lengthB: block.inputCount)
        inputCount += block.inputCount
    }

    /// The eight bytes behind the last block: CRC-32 and length modulo 2^32.
    package var trailer: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(crc)
        bytes.appendLittleEndian(UInt32(truncatingIfNeeded: inputCount))
        return bytes
    }
}
