// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

@Suite struct BrokenChunkTests {
    static let extent = Extent3(5, 3, 2)

    /// A sentence for a log or a client: bounded, and without bytes that end a line.
    static func isSentence(_ error: ChunkCodecError) -> Bool {
        let text = error.message
        return (20...1_000).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    static func chunk(_ format: ChunkFormat, _ random: inout SeededRandom) throws -> [UInt8] {
        try format.encoded(ChunkRoundTripTests.voxels(format, extent, &random), extent)
    }

    @Test("A chunk cut at any byte is refused with a reason, in every format")
    func truncated() throws {
        var random = SeededRandom(seed: 31)
        for format in try allFormats() {
            let chunk = try Self.chunk(format, &random)
            // When all rows are there, libspng needs no checksum of the empty end chunk.
            let end = format.encoding == .png ? chunk.count - 4 : chunk.count
            for count in 0..<end {
                let error = format.refusal(Array(chunk.prefix(count)), Self.extent)
                #expect(error.map(Self.isSentence) == true, "\(format): \(count) of \(chunk.count) bytes")
            }
        }
    }

    @Test("A chunk with any byte changed is read or refused with a reason, in every format")
    func changed() throws {
        let seed = newSeed()
        var random = SeededRandom(seed: seed)
        for format in try allFormats() where format.encoding != .raw {
            let chunk = try Self.chunk(format, &random)
            for index in chunk.indices {
                var broken = chunk
                broken[index] ^= UInt8.random(in: 1...255, using: &random)
                if let error = format.refusal(broken, Self.extent) {
                    #expect(Self.isSentence(error), "seed \(seed): \(format), byte \(index): \(error)")
                }
            }
            for _ in 0..<300 {
                let broken = chunk.mutated(using: &random)
                if let error = format.refusal(broken, Self.extent) {
                    #expect(Self.isSentence(error), "seed \(seed): \(format): \(error)")
                }
            }
        }
    }

    @Test("A chunk of another extent is refused or read within its own room, in every format")
    func otherExtent() throws {
        var random = SeededRandom(seed: 32)
        for format in try allFormats() {
            let chunk = try Self.chunk(format, &random)
            for extent in [Extent3(5, 3, 3), Extent3(6, 3, 2), Extent3(1, 1, 1), Extent3(40, 1, 1)] {
                let error = format.refusal(chunk, extent)
                if format.encoding != .compressedSegmentation { #expect(error != nil, "\(format) \(extent)") }
            }
        }
    }
}
