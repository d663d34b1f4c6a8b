// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

@Suite struct OutwardFaultTests {
    private let extent = BrokenChunkTests.extent
    private let page = Array("<html>Please log in.</html>\n".utf8)

    private func fault(_ format: ChunkFormat, _ bytes: [UInt8]) -> (plain: String?, packed: String?) {
        let packed = bytes.withUnsafeBytes { WholeGzip.deflate($0) }
        return (
            bytes.withUnsafeBytes { format.outwardFault($0, isGzip: false, extent: extent) },
            packed.withUnsafeBytes { format.outwardFault($0, isGzip: true, extent: extent) }
        )
    }

    private func formats() throws -> [ChunkFormat] { try allFormats().filter { $0.encoding != .raw } }

    @Test("A chunk of any format shows no fault, packed or not, nor in several members of gzip") func right()
        throws
    {
        var random = SeededRandom(seed: 41)
        for format in try formats() {
            let chunk = try BrokenChunkTests.chunk(format, &random)
            #expect(fault(format, chunk) == (nil, nil), "\(format)")
            let members = [chunk[..<2], chunk[2..<5], chunk[5...]].flatMap { part in
                Array(part).withUnsafeBytes { WholeGzip.deflate($0) }
            }
            let split = members.withUnsafeBytes { format.outwardFault($0, isGzip: true, extent: extent) }
            #expect(split == nil, "\(format)")
        }
    }

    @Test("Nothing, a page, and another format's start are faults, packed or not") func wrong() throws {
        for format in try formats() {
            for bytes in [[], page, [0xFF, 0xD8], Array(repeating: 0, count: 400)] {
                let found = fault(format, bytes)
                #expect(found.plain != nil && found.packed != nil, "\(format): \(bytes.count) bytes")
            }
        }
    }

    @Test("Labels are whole words, and each channel begins behind the offsets and within the chunk")
    func labels()
        throws
    {
        let format = try ChunkFormat(encoding: .compressedSegmentation, type: .uint32, channels: 2)
        #expect(fault(format, words("2 4 | 00000002 0 7")) == (nil, nil))
        #expect(fault(format, words("2 4 | 00000002 0 7") + [0]).plain != nil)
        #expect(fault(format, words("2 5 | 00000002 0 7")).plain != nil)
        for offsets in ["1 2", "0 0", "2 ffffffff", "2"] {
            let found = fault(format, words(offsets))
            #expect(found.plain != nil && found.packed != nil, "\(offsets)")
        }
    }

    @Test("What is called gzip and is none is a fault") func noGzip() throws {
        for format in try formats() {
            #expect(page.withUnsafeBytes { format.outwardFault($0, isGzip: true, extent: extent) } != nil)
        }
    }
}
