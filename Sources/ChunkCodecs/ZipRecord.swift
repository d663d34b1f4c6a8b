// SPDX-License-Identifier: Apache-2.0

/// The records of a zip archive, byte for byte (APPNOTE §4.3.7 to §4.3.16, §4.5.3).
enum ZipRecord {
    /// A value that says "see the Zip64 field".
    private static let marker = 0xFFFF_FFFF
    /// 1980-01-01, 00:00: the first moment a zip can name.
    private static let date: UInt16 = 0x0021
    private static let time: UInt16 = 0
    private static let stored: UInt16 = 0
    private static let unix: UInt16 = 3 << 8
    /// A regular file, rw-r--r--.
    private static let fileMode: UInt32 = 0o100644 << 16

    static func localHeaderByteCount(_ entry: ZipLayout.Entry) -> Int {
        30 + entry.name.utf8.count + (isLarge(entry.byteCount) ? 20 : 0)
    }

    static func localHeader(_ entry: ZipLayout.Entry, crc: UInt32?) -> [UInt8] {
        // A local Zip64 field has both sizes or does not exist.
        let extra = isLarge(entry.byteCount) ? zip64Extra([entry.byteCount, entry.byteCount]) : []
        var bytes: [UInt8] = []
        bytes.reserveCapacity(localHeaderByteCount(entry))
        bytes.appendLittleEndian(UInt32(0x0403_4B50))
        bytes.appendLittleEndian(version(isZip64: !extra.isEmpty))
        bytes.appendLittleEndian(flags(hasDataDescriptor: crc == nil))
        bytes.appendLittleEndian(stored)
        bytes.appendLittleEndian(time)
        bytes.appendLittleEndian(date)
        bytes.appendLittleEndian(crc ?? 0)
        bytes.appendLittleEndian(clamped(entry.byteCount))
        bytes.appendLittleEndian(clamped(entry.byteCount))
        bytes.appendLittleEndian(UInt16(entry.name.utf8.count))
        bytes.appendLittleEndian(UInt16(extra.count))
        bytes += entry.name.utf8
        return bytes + extra
    }

    static func dataDescriptorByteCount(_ entry: ZipLayout.Entry) -> Int {
        isLarge(entry.byteCount) ? 24 : 16
    }

    static func dataDescriptor(_ entry: ZipLayout.Entry, crc: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(UInt32(0x0807_4B50))
        bytes.appendLittleEndian(crc)
        for size in [entry.byteCount, entry.byteCount] {
            if isLarge(entry.byteCount) {
                bytes.appendLittleEndian(UInt64(size))
            } else {
                bytes.appendLittleEndian(clamped(size))
            }
        }
        return bytes
    }

    static func centralHeaderByteCount(_ entry: ZipLayout.Entry, offset: Int) -> Int {
        let large = (isLarge(entry.byteCount) ? 2 : 0) + (isLarge(offset) ? 1 : 0)
        return 46 + entry.name.utf8.count + (large > 0 ? 4 + 8 * large : 0)
    }

    static func appendCentralHeader(
        _ entry: ZipLayout.Entry,
        crc: UInt32,
        offset: Int,
        hasDataDescriptor: Bool,
        to bytes: inout [UInt8]
    ) {
        // Here the Zip64 field holds what does not fit and nothing else.
        let sizes = isLarge(entry.byteCount) ? [entry.byteCount, entry.byteCount] : []
        let large = isLarge(offset) ? sizes + [offset] : sizes
        let extra = large.isEmpty ? [] : zip64Extra(large)
        bytes.appendLittleEndian(UInt32(0x0201_4B50))
        bytes.appendLittleEndian(unix | version(isZip64: !extra.isEmpty))
        bytes.appendLittleEndian(version(isZip64: !extra.isEmpty))
        bytes.appendLittleEndian(flags(hasDataDescriptor: hasDataDescriptor))
        bytes.appendLittleEndian(stored)
        bytes.appendLittleEndian(time)
        bytes.appendLittleEndian(date)
        bytes.appendLittleEndian(crc)
        bytes.appendLittleEndian(clamped(entry.byteCount))
        bytes.appendLittleEndian(clamped(entry.byteCount))
        bytes.appendLittleEndian(UInt16(entry.name.utf8.count))
        bytes.appendLittleEndian(UInt16(extra.count))
        bytes.appendLittleEndian(UInt16(0))  // comment
        bytes.appendLittleEndian(UInt16(0))  // disk
        bytes.appendLittleEndian(UInt16(0))  // internal attributes
        bytes.appendLittleEndian(fileMode)
        bytes.appendLittleEndian(clamped(offset))
        bytes += entry.name.utf8
        bytes += extra
    }

    static func endByteCount(_ entryCount: Int, _ directoryByteCount: Int, offset: Int) -> Int {
        endNeedsZip64(entryCount, directoryByteCount, offset) ? 56 + 20 + 22 : 22
    }

    /// The end of the central directory, with the Zip64 end and its locator before it if needed.
    static func appendEnd(
        _ entryCount: Int,
        _ directoryByteCount: Int,
        offset: Int,
        to bytes: inout [UInt8]
    ) {
        if endNeedsZip64(entryCount, directoryByteCount, offset) {
            bytes.appendLittleEndian(UInt32(0x0606_4B50))
            bytes.appendLittleEndian(UInt64(44))  // what follows of this record
            bytes.appendLittleEndian(unix | version(isZip64: true))
            bytes.appendLittleEndian(version(isZip64: true))
            bytes.appendLittleEndian(UInt32(0))  // this disk
            bytes.appendLittleEndian(UInt32(0))  // the directory's disk
            bytes.appendLittleEndian(UInt64(entryCount))
            bytes.appendLittleEndian(UInt64(entryCount))
            bytes.appendLittleEndian(UInt64(directoryByteCount))
            bytes.appendLittleEndian(UInt64(offset))

            bytes.appendLittleEndian(UInt32(0x0706_4B50))
            bytes.appendLittleEndian(UInt32(0))  // disk of the record above
            bytes.appendLittleEndian(UInt64(offset) + UInt64(directoryByteCount))
            bytes.appendLittleEndian(UInt32(1))  // disks
        }
        bytes.appendLittleEndian(UInt32(0x0605_4B50))
        bytes.appendLittleEndian(UInt16(0))
        bytes.appendLittleEndian(UInt16(0))
        bytes.appendLittleEndian(UInt16(min(entryCount, 0xFFFF)))
        bytes.appendLittleEndian(UInt16(min(entryCount, 0xFFFF)))
        bytes.appendLittleEndian(clamped(directoryByteCount))
        bytes.appendLittleEndian(clamped(offset))
        bytes.appendLittleEndian(UInt16(0))  // comment
    }

    private static func endNeedsZip64(_ entryCount: Int, _ directoryByteCount: Int, _ offset: Int) -> Bool {
        entryCount >= 0xFFFF || isLarge(directoryByteCount) || isLarge(offset)
    }

    /// The marker itself cannot stand for its own value.
    private static func isLarge(_ value: Int) -> Bool { value >= marker }

    private static func clamped(_ value: Int) -> UInt32 { UInt32(min(value, marker)) }

    private static func zip64Extra(_ values: [Int]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(UInt16(1))
        bytes.appendLittleEndian(UInt16(8 * values.count))
        for value in values { bytes.appendLittleEndian(UInt64(value)) }
        return bytes
    }

    private static func version(isZip64: Bool) -> UInt16 { isZip64 ? 45 : 20 }

    private static func flags(hasDataDescriptor: Bool) -> UInt16 { hasDataDescriptor ? 1 << 3 : 0 }
}
