// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing

@Suite struct IncompleteCodeTests {
    /// 3000 zeros in a block whose set of distance codes is incomplete, with a right checksum and length.
    private static let body: [UInt8] = [
        0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xED, 0xC1, 0x31, 0x01, 0x00, 0x00, 0x00,
        0xC2,
        0xA0, 0xF5, 0x4F, 0x6D, 0x0D, 0x0F, 0xA4, 0x00, 0x00, 0x80, 0x77, 0x03, 0x0D, 0x5B, 0x86, 0xDA, 0xB8,
        0x0B,
        0x00, 0x00,
    ]

    @Test("zlib refuses an incomplete set of codes")
    func zlibRefuses() {
        #expect(throws: InflateError.corrupt) { try inflated(Self.body, .gzip, .zlib) }
    }

    @Test(
        "Whoever takes an incomplete set of codes holds it to its checksum",
        arguments: DeflateBackend.allCases
    )
    func checksumHolds(backend: DeflateBackend) {
        let right = Result { () throws(InflateError) in try inflated(Self.body, .gzip, backend) }
        switch right {
        case .success(let content): #expect(content == [UInt8](repeating: 0, count: 3_000))
        case .failure(let error): #expect(error == .corrupt)
        }
        var wrong = Self.body
        wrong[wrong.count - 8] ^= 1
        #expect(throws: InflateError.self) { try inflated(wrong, .gzip, backend) }
    }
}
