// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

@Suite struct ChunkFormatTests {
    static func refusal(
        _ encoding: ChunkEncoding,
        _ type: VoxelType = .uint8,
        _ channels: Int = 1,
        block: Extent3 = Extent3(repeating: 8),
        quality: Int = 75,
        level: Int = 4
    ) -> ChunkCodecError? {
        do throws(ChunkCodecError) {
            _ = try ChunkFormat(
                encoding: encoding,
                type: type,
                channels: channels,
                blockExtent: block,
                jpegQuality: quality,
                pngLevel: level
            )
            return nil
        } catch {
            return error
        }
    }

    @Test("Each encoding has its types and channels, and no others", arguments: VoxelType.allCases)
    func suitable(type: VoxelType) {
        for channels in 1...5 {
            let grey = type == .uint8 && (channels == 1 || channels == 3)
            #expect((Self.refusal(.jpeg, type, channels) == nil) == grey)
            let png = (type == .uint8 || type == .uint16) && channels <= 4
            #expect((Self.refusal(.png, type, channels) == nil) == png)
            let label = type == .uint32 || type == .uint64
            #expect((Self.refusal(.compressedSegmentation, type, channels) == nil) == label)
            #expect(Self.refusal(.raw, type, channels) == nil)
            #expect(Self.refusal(.compresso, type, channels) == .unreadableEncoding(.compresso))
            #expect(Self.refusal(.jxl, type, channels) == .unreadableEncoding(.jxl))
        }
    }

    @Test("What a format cannot be is refused, and the reason names what it can be")
    func refused() {
        let refusals: [(ChunkCodecError?, ChunkCodecError, String)] = [
            (Self.refusal(.jpeg, .uint16), .unsuitableType(.jpeg, .uint16), "use uint8"),
            (Self.refusal(.jpeg, .uint8, 2), .unsuitableChannels(.jpeg, 2), "use 1 or 3"),
            (Self.refusal(.png, .int8), .unsuitableType(.png, .int8), "use uint8 or uint16"),
            (Self.refusal(.png, .uint8, 5), .unsuitableChannels(.png, 5), "use 1 to 4"),
            (Self.refusal(.raw, .uint8, 0), .unsuitableChannels(.raw, 0), "use 1 to 65536"),
            (Self.refusal(.raw, .uint8, 65_537), .unsuitableChannels(.raw, 65_537), "use 1 to 65536"),
            (
                Self.refusal(.compressedSegmentation, .int64),
                .unsuitableType(.compressedSegmentation, .int64), "use uint32 or uint64"
            ),
            (Self.refusal(.raw, block: Extent3(8, 0, 8)), .blockExtent(Extent3(8, 0, 8)), "at least 1"),
            (
                Self.refusal(.raw, block: Extent3(257, 256, 256)), .blockExtent(Extent3(257, 256, 256)),
                "at most 16777216"
            ),
            (
                Self.refusal(.raw, block: Extent3(repeating: .max)), .blockExtent(Extent3(repeating: .max)),
                "at most 16777216"
            ),
            (Self.refusal(.jpeg, quality: 101), .jpegQuality(101), "0 to 100"),
            (Self.refusal(.jpeg, quality: -1), .jpegQuality(-1), "0 to 100"),
            (Self.refusal(.png, level: 10), .pngLevel(10), "0 to 9"),
            (Self.refusal(.compresso), .unreadableEncoding(.compresso), "use raw, jpeg, png"),
        ]
        for (found, expected, right) in refusals {
            #expect(found == expected)
            #expect(expected.message.contains(right), "\(expected.message)")
        }
    }

    @Test("Voxels are counted, or are nobody's")
    func voxelByteCount() throws {
        let labels = try ChunkFormat(encoding: .compressedSegmentation, type: .uint64, channels: 3)
        #expect(labels.voxelByteCount(Extent3(5, 3, 2)) == 720)
        #expect(labels.voxelByteCount(Extent3(0, 3, 2)) == nil)
        #expect(labels.voxelByteCount(Extent3(5, -3, -2)) == nil)
        #expect(labels.voxelByteCount(Extent3(1 << 20, 1 << 20, 1 << 20)) == nil)
        #expect(labels.voxelByteCount(Extent3(1 << 20, 1 << 20, 1 << 19)) == nil)
        #expect(labels.encodedByteBound(Extent3(repeating: .max)) == .max)
        #expect(labels.refusal([], Extent3(0, 3, 2)) == .extent(Extent3(0, 3, 2)))
    }

    @Test("Noise, the largest there is, stays below the bound of every format")
    func bound() throws {
        var random = SeededRandom(seed: 9)
        for format in try allFormats() {
            for extent in [Extent3(1, 1, 1), Extent3(13, 11, 7), Extent3(1, 300, 1), Extent3(70, 1, 1)] {
                let count = try #require(format.voxelByteCount(extent))
                let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                let bytes = try format.encoded(noise, extent)
                #expect(bytes.count <= format.encodedByteBound(extent), "\(format) \(extent)")
            }
        }
    }
}
