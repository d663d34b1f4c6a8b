// SPDX-License-Identifier: Apache-2.0
internal import CZlib

#if ISAL
    internal import CISAL
#endif

/// The CRC-32 of gzip and zip (RFC 1952 §8). The checksum of no bytes is 0.
package enum CRC32 {
    /// Returns the checksum of everything before, whose checksum is `crc`, followed by `bytes`.
    package static func update(_ crc: UInt32 = 0, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count > 0 else { return crc }
        #if ISAL
            return crc32_gzip_refl(crc, base, UInt64(bytes.count))
        #else
            return UInt32(truncatingIfNeeded: crc32_z(UInt(crc), base, bytes.count))
        #endif
    }

    package static func update(_ crc: UInt32 = 0, _ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { update(crc, $0) }
    }

    /// Returns the checksum of `a` followed by `b`, from the checksums of each and the bytes of `b`.
    ///
    /// Logarithmic in `lengthB`. C function: `crc32_combine`.
    package static func combine(_ crcA: UInt32, _ crcB: UInt32, lengthB: Int) -> UInt32 {
        precondition(lengthB >= 0, "a length is never negative")
        return UInt32(truncatingIfNeeded: crc32_combine(UInt(crcA), UInt(crcB), lengthB))
    }
}

/// The checksum of zlib streams (RFC 1950 §2.2). The checksum of no bytes is 1.
enum Adler32 {
    static func update(_ adler: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count > 0 else { return adler }
        return UInt32(truncatingIfNeeded: adler32_z(UInt(adler), base, bytes.count))
    }
}
