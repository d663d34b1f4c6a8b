// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing

@Suite struct ChecksumTests {
    /// Bit by bit, as RFC 1952 §8 defines it.
    static func reference(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    @Test("CRC-32 has its known value")
    func known() {
        #expect(CRC32.update(0, Array("123456789".utf8)) == 0xCBF4_3926)
        #expect(CRC32.update(0, []) == 0)
    }

    @Test("CRC-32 of pieces, continued or combined, is the CRC-32 of the whole")
    func pieces() {
        for content in contents() {
            let whole = Self.reference(content)
            #expect(CRC32.update(0, content) == whole)
            for cut in [0, 1, content.count / 3, content.count] where cut <= content.count {
                let first = CRC32.update(0, Array(content[..<cut]))
                let rest = Array(content[cut...])
                #expect(CRC32.update(first, rest) == whole)
                #expect(CRC32.combine(first, CRC32.update(0, rest), lengthB: rest.count) == whole)
            }
        }
    }
}
