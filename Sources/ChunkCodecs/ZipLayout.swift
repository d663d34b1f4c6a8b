// SPDX-License-Identifier: Apache-2.0

/// Why an answer cannot be laid out.
package enum LayoutError: Error, Equatable, Sendable {
    /// The whole would be 2^63 bytes or more.
    case tooLarge
}

/// Where everything lies in a zip archive of stored entries, known before the first byte of content.
///
/// Rules (PKWARE's APPNOTE 6.3.10):
/// - local header, content, [data descriptor] for each entry, then the central directory and its end;
/// - Zip64 (§4.3.14, §4.5.3) wherever a size, an offset or a count does not fit, and only there;
/// - every entry is dated 1980-01-01 00:00, so equal content makes equal archives;
/// - with data descriptors, bit 3 is set and the local header has no checksum. It has the sizes nevertheless,
///   since they are known: a reader that cannot seek has no other way to find a stored entry's end.
package struct ZipLayout: Sendable {
    package struct Entry: Sendable, Hashable {
        /// ASCII, at most 65,535 bytes.
        package let name: String
        package let byteCount: Int

        package init(name: String, byteCount: Int) {
            self.name = name
            self.byteCount = byteCount
        }
    }

    package let entries: [Entry]
    package let hasDataDescriptors: Bool
    /// Bytes of the whole archive.
    package let byteCount: Int
    /// Where each entry's local header begins.
    let offsets: [Int]
    private let directoryOffset: Int
    private let directoryByteCount: Int

    /// - Throws: ``LayoutError/tooLarge``.
    package init(entries: [Entry], dataDescriptors: Bool = false) throws(LayoutError) {
        self.entries = entries
        hasDataDescriptors = dataDescriptors
        var total = 0
        var offsets: [Int] = []
        for entry in entries {
            precondition(entry.byteCount >= 0 && entry.name.utf8.count <= 0xFFFF, "no such entry")
            offsets.append(total)
            let header = ZipRecord.localHeaderByteCount(entry)
            let descriptor = dataDescriptors ? ZipRecord.dataDescriptorByteCount(entry) : 0
            total = try ZipLayout.sum(total, header, entry.byteCount, descriptor)
        }
        self.offsets = offsets
        directoryOffset = total
        directoryByteCount = zip(entries, offsets).reduce(0) { sum, pair in
            sum + ZipRecord.centralHeaderByteCount(pair.0, offset: pair.1)
        }
        let end = ZipRecord.endByteCount(entries.count, directoryByteCount, offset: directoryOffset)
        byteCount = try ZipLayout.sum(total, directoryByteCount, end)
    }

    /// The bytes before the content of entry `index`. With data descriptors, `crc` is left out.
    package func localHeader(_ index: Int, crc: UInt32) -> [UInt8] {
        ZipRecord.localHeader(entries[index], crc: hasDataDescriptors ? nil : crc)
    }

    /// The bytes behind the content of entry `index`; none without data descriptors.
    package func dataDescriptor(_ index: Int, crc: UInt32) -> [UInt8] {
        hasDataDescriptors ? ZipRecord.dataDescriptor(entries[index], crc: crc) : []
    }

    /// The bytes behind the last entry, from the checksums of all entries in order.
    package func centralDirectory(crcs: [UInt32]) -> [UInt8] {
        precondition(crcs.count == entries.count, "a checksum for each entry")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount - directoryOffset)
        for (index, entry) in entries.enumerated() {
            ZipRecord.appendCentralHeader(
                entry,
                crc: crcs[index],
                offset: offsets[index],
                hasDataDescriptor: hasDataDescriptors,
                to: &bytes
            )
        }
        ZipRecord.appendEnd(entries.count, directoryByteCount, offset: directoryOffset, to: &bytes)
        return bytes
    }

    private static func sum(_ terms: Int...) throws(LayoutError) -> Int {
        var total = 0
        for term in terms {
            let (sum, overflow) = total.addingReportingOverflow(term)
            guard !overflow else { throw .tooLarge }
            total = sum
        }
        return total
    }
}
