// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs

/// Puts right the checksums of a PNG, which would otherwise stop nearly every change at the door.
enum PNGChecksums {
    static func mended(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var position = 8
        while bytes.count - position >= 12 {
            let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - position - 12 else { break }
            let end = position + 8 + length
            let checksum = CRC32.update(0, Array(bytes[position + 4..<end]))
            for index in 0..<4 {
                bytes[end + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * index))
            }
            position = end + 4
        }
        return bytes
    }
}
