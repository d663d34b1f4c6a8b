// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

@Suite struct ChunkRoundTripTests {
    /// Voxels of patches of a few values, with noise in some places: each byte of a voxel counts.
    static func voxels(_ format: ChunkFormat, _ extent: Extent3, _ random: inout SeededRandom) -> [UInt8] {
        let width = format.type.byteWidth
        let values = (0..<Int.random(in: 1...20, using: &random)).map { _ in
            (0..<width).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        let noise = Int.random(in: 0...3, using: &random)
        var voxels: [UInt8] = []
        for voxel in 0..<extent.x * extent.y * extent.z * format.channels {
            if Int.random(in: 0..<10, using: &random) < noise {
                voxels += (0..<width).map { _ in UInt8.random(in: 0...255, using: &random) }
            } else {
                voxels += values[voxel / 7 % values.count]
            }
        }
        return voxels
    }

    @Test("What was encoded is decoded: every type, channel count and odd extent")
    func roundTrips() throws {
        let seed = newSeed()
        var random = SeededRandom(seed: seed)
        for format in try allFormats() where format.encoding != .jpeg {
            for _ in 0..<6 {
                let extent = Extent3(
                    Int.random(in: 1...19, using: &random),
                    Int.random(in: 1...11, using: &random),
                    Int.random(in: 1...9, using: &random)
                )
                let voxels = Self.voxels(format, extent, &random)
                let bytes = try format.encoded(voxels, extent)
                #expect(try format.decoded(bytes, extent) == voxels, "seed \(seed): \(format) \(extent)")
                #expect(bytes.count <= format.encodedByteBound(extent), "seed \(seed): \(format) \(extent)")
            }
        }
    }

    @Test("A JPEG of quality 100 is off by two grey levels at most on a slope", arguments: [1, 3])
    func jpeg(channels: Int) throws {
        let format = try ChunkFormat(encoding: .jpeg, type: .uint8, channels: channels, jpegQuality: 100)
        let extent = Extent3(21, 13, 5)
        var voxels: [UInt8] = []
        for channel in 0..<channels {
            for z in 0..<5 {
                for y in 0..<13 {
                    for x in 0..<21 { voxels.append(UInt8(40 + 60 * channel + 2 * x + y + 3 * z)) }
                }
            }
        }
        let result = try format.decoded(try format.encoded(voxels, extent), extent)
        let worst = zip(voxels, result).map { abs(Int($0) - Int($1)) }.max()
        #expect(try #require(worst) <= 2)
    }

    @Test("Raw chunks of another length are refused, and both lengths are named")
    func raw() throws {
        let format = try ChunkFormat(encoding: .raw, type: .uint16, channels: 2)
        let extent = Extent3(3, 2, 1)
        for count in [0, 1, 23, 25, 48] {
            let error = format.refusal([UInt8](repeating: 7, count: count), extent)
            #expect(error == .byteCount(count, expected: 24))
            #expect(error?.message == "the raw chunk has \(count) bytes: its voxels need 24")
        }
        let voxels = (0..<24).map { UInt8($0) }
        #expect(try format.decoded(voxels, extent) == voxels)
    }
}
