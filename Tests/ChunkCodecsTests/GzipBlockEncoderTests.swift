// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing

@Suite struct GzipBlockEncoderTests {
    @Test(
        "Blocks made in any order join into one gzip member",
        arguments: DeflateBackend.allCases,
        [1, 100, 32_768, 65_536]
    )
    func blocks(backend: DeflateBackend, blockByteCount: Int) throws {
        let encoder = GzipBlockEncoder(backend: backend)
        for var content in contents() {
            if blockByteCount == 1 { content = Array(content.prefix(100)) }
            let starts = Array(stride(from: 0, to: max(content.count, 1), by: blockByteCount))
            let reversed = starts.reversed().map { start in
                let end = min(start + blockByteCount, content.count)
                return content[start..<end].withUnsafeBytes {
                    encoder.compress($0, isLast: end == content.count)
                }
            }
            var member = GzipMember()
            var body = GzipMember.header
            for block in reversed.reversed() {
                member.append(block)
                body += block.bytes
            }
            body += member.trailer
            #expect(member.inputCount == content.count)
            #expect(member.crc == CRC32.update(0, content))
            for reader in DeflateBackend.allCases { #expect(try inflated(body, .gzip, reader) == content) }
        }
    }

    @Test("A block that is not the last is byte-aligned and stands alone", arguments: DeflateBackend.allCases)
    func independent(backend: DeflateBackend) throws {
        let encoder = GzipBlockEncoder(backend: backend)
        for content in contents() {
            let block = content.withUnsafeBytes { encoder.compress($0, isLast: false) }
            #expect(block.inputCount == content.count)
            var member = GzipMember()
            member.append(block)
            // An empty stored block ends the data wherever the byte-aligned block stopped.
            let body = GzipMember.header + block.bytes + [1, 0, 0, 0xFF, 0xFF] + member.trailer
            for reader in DeflateBackend.allCases { #expect(try inflated(body, .gzip, reader) == content) }
        }
    }

    @Test(
        "No block is longer than its bound, not even of noise",
        arguments: DeflateBackend.allCases,
        [true, false]
    )
    func bound(backend: DeflateBackend, isLast: Bool) {
        var random = SeededRandom(seed: 5)
        let noise = (0..<1_100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        let encoder = GzipBlockEncoder(backend: backend)
        for count in [0, 1, 2, 3, 10, 100, 1000, 16_383, 16_384, 65_535, 65_536, 131_072, 524_288, 1_100_000]
        {
            let block = noise[..<count].withUnsafeBytes { encoder.compress($0, isLast: isLast) }
            #expect(block.bytes.count <= GzipBlockEncoder.outputBound(count))
            #expect(!block.bytes.isEmpty)
        }
    }

    @Test("Image-like content becomes smaller", arguments: DeflateBackend.allCases)
    func compresses(backend: DeflateBackend) {
        let encoder = GzipBlockEncoder(backend: backend)
        #expect(encoder.gzip(contents()[4]).count < 70_000)
        #expect(encoder.gzip(contents()[5]).count < 8000)
    }

    @Test("A whole gzip member is made of content of any length", arguments: DeflateBackend.allCases)
    func wholeMember(backend: DeflateBackend) throws {
        let encoder = GzipBlockEncoder(backend: backend)
        let long = (0..<(2 * GzipBlockEncoder.blockByteCount + 1)).map { UInt8(truncatingIfNeeded: $0 >> 10) }
        for content in contents() + [long, Array(long.prefix(GzipBlockEncoder.blockByteCount))] {
            #expect(try inflated(encoder.gzip(content), .gzip, backend) == content)
        }
    }

    @Test("Stored blocks hold content of any length", arguments: [0, 1, 65_534, 65_535, 65_536, 200_000])
    func stored(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for isLast in [true, false] {
            let data = content.withUnsafeBytes { storedDeflate($0, isLast: isLast) }
            #expect(data.count <= GzipBlockEncoder.outputBound(count))
            let end: [UInt8] = isLast ? [] : [1, 0, 0, 0xFF, 0xFF]
            let trailer = littleEndian(CRC32.update(0, content)) + littleEndian(UInt32(count))
            let body = GzipMember.header + data + end + trailer
            for reader in DeflateBackend.allCases { #expect(try inflated(body, .gzip, reader) == content) }
        }
    }
}
