// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing

@Suite struct ZipLayoutTests {
    static let edge = 0xFFFF_FFFF

    /// Writes the archive that the layout describes, with content that is not there, and reads it again.
    static func archive(_ sizes: [Int], dataDescriptors: Bool) throws -> ArchiveReader {
        let entries = sizes.enumerated().map { ZipLayout.Entry(name: "mip\($0 + 1).npy", byteCount: $1) }
        let layout = try ZipLayout(entries: entries, dataDescriptors: dataDescriptors)
        let crcs = sizes.indices.map { 0x8000_0001 &+ UInt32($0) &* 0x0102_0305 }
        var file = SparseFile()
        for (index, size) in sizes.enumerated() {
            file.append(layout.localHeader(index, crc: crcs[index]))
            file.skip(size)
            let descriptor = layout.dataDescriptor(index, crc: crcs[index])
            #expect(descriptor.isEmpty != dataDescriptors)
            file.append(descriptor)
        }
        file.append(layout.centralDirectory(crcs: crcs))
        #expect(file.count == layout.byteCount)

        let reader = try ArchiveReader(file)
        #expect(reader.entries.map(\.name) == entries.map(\.name))
        #expect(reader.entries.map(\.byteCount) == sizes)
        #expect(reader.entries.map(\.crc) == crcs)
        #expect(reader.entries.allSatisfy { $0.hasDataDescriptor == dataDescriptors })
        return reader
    }

    @Test("An archive is what its layout says", arguments: [false, true])
    func small(dataDescriptors: Bool) throws {
        for sizes in [[], [0], [1], [100, 0, 7], Array(1...32)] {
            let reader = try Self.archive(sizes, dataDescriptors: dataDescriptors)
            #expect(!reader.hasZip64End)
            #expect(reader.entries.allSatisfy { $0.localVersion == 20 })
        }
    }

    @Test("Zip64 is used from 4 GiB - 1 on, and only there", arguments: [false, true])
    func zip64(dataDescriptors: Bool) throws {
        var reader = try Self.archive([Self.edge - 1000], dataDescriptors: dataDescriptors)
        #expect(!reader.hasZip64End)
        reader = try Self.archive([Self.edge - 1], dataDescriptors: dataDescriptors)
        #expect(reader.hasZip64End)
        #expect(reader.entries[0].localVersion == 20)
        reader = try Self.archive([Self.edge], dataDescriptors: dataDescriptors)
        #expect(reader.entries[0].localVersion == 45)
        reader = try Self.archive([5_000_000_000, 3, 6_000_000_000], dataDescriptors: dataDescriptors)
        #expect(reader.entries.map(\.localVersion) == [45, 20, 45])
        // Only an offset is too large for 32 bits.
        reader = try Self.archive([3_000_000_000, 3_000_000_000, 3], dataDescriptors: dataDescriptors)
        #expect(reader.entries.map(\.localVersion) == [20, 20, 20])
        #expect(reader.hasZip64End)
    }

    @Test("Sizes around every 32-bit limit agree with the reader", arguments: [false, true])
    func limits(dataDescriptors: Bool) throws {
        for first in (Self.edge - 110)...(Self.edge + 2) {
            _ = try Self.archive([first, 9, 0], dataDescriptors: dataDescriptors)
        }
    }

    @Test("65,535 entries and more need the Zip64 end")
    func manyEntries() throws {
        let entries = (0..<65_535).map { ZipLayout.Entry(name: "\($0)", byteCount: 0) }
        for count in [65_534, 65_535] {
            let layout = try ZipLayout(entries: Array(entries.prefix(count)))
            let directory = layout.centralDirectory(crcs: Array(repeating: 0, count: count))
            let headers = (0..<count).reduce(0) { $0 + layout.localHeader($1, crc: 0).count }
            #expect(layout.byteCount == headers + directory.count)
            let zip64End = directory.dropLast(22).suffix(20).prefix(4)
            #expect((Array(zip64End) == [0x50, 0x4B, 6, 7]) == (count == 65_535))
        }
    }

    @Test("The same content makes the same archive: the date is 1980-01-01")
    func dates() throws {
        let layout = try ZipLayout(entries: [ZipLayout.Entry(name: "mip1.npy", byteCount: 4)])
        let expected: [UInt8] =
            [
                0x50, 0x4B, 3, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, 4, 3, 2, 1, 4, 0, 0, 0, 4, 0, 0, 0, 8, 0,
                0, 0,
            ]
            + Array("mip1.npy".utf8)
        #expect(layout.localHeader(0, crc: 0x0102_0304) == expected)
    }

    @Test("A sum of 2^63 bytes and more is refused")
    func tooLarge() {
        let entries = [Int.max - 200, 200].map { ZipLayout.Entry(name: "a", byteCount: $0) }
        #expect(throws: LayoutError.tooLarge) { try ZipLayout(entries: entries) }
    }
}
