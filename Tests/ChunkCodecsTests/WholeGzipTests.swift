// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing

@Suite struct WholeGzipTests {
    static func refusal(_ bytes: [UInt8], limit: Int) -> InflateError? {
        do throws(InflateError) {
            _ = try WholeGzip.inflate(bytes, limit: limit)
            return nil
        } catch {
            return error
        }
    }

    @Test("Whole objects are packed and unpacked")
    func roundTrips() throws {
        for content in contents() {
            let packed = content.withUnsafeBytes { WholeGzip.deflate($0) }
            #expect(try WholeGzip.inflate(packed, limit: content.count) == content)
            #expect(try WholeGzip.inflate(packed, limit: 1 << 20) == content)
        }
    }

    @Test("Several members are one content, whatever the last one says of its length")
    func members() throws {
        let all = contents()
        let packed = all.flatMap { gzip($0) }
        let content = all.flatMap { $0 }
        #expect(try WholeGzip.inflate(packed, limit: content.count) == content)
        #expect(try WholeGzip.inflate(packed + gzip([]), limit: 1 << 21) == content)
    }

    @Test("A byte more than the limit is refused")
    func limit() {
        for content in contents() where !content.isEmpty {
            #expect(Self.refusal(gzip(content), limit: content.count) == nil)
            #expect(Self.refusal(gzip(content), limit: content.count - 1) == .longerThanExpected)
            #expect(Self.refusal(gzip(content), limit: 0) == .longerThanExpected)
        }
        #expect(Self.refusal(gzip([]), limit: 0) == nil)
    }

    @Test("An object cut at any byte, or followed by others, is refused")
    func broken() {
        let packed = gzip(Array("a chunk in, its pyramid out".utf8))
        for count in packed.indices { #expect(Self.refusal(Array(packed.prefix(count)), limit: 99) != nil) }
        #expect(Self.refusal(packed + [0], limit: 99) == .trailingBytes)
        #expect(Self.refusal([], limit: 99) == .truncated)
    }
}
