// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

@Suite struct JPEGChunkTests {
    static func format(channels: Int = 1, quality: Int = 75) throws -> ChunkFormat {
        try ChunkFormat(encoding: .jpeg, type: .uint8, channels: channels, jpegQuality: quality)
    }

    static func isNear(_ found: [UInt8], _ expected: [Int], _ distance: Int = 2) -> Bool {
        found.count == expected.count && zip(found, expected).allSatisfy { abs(Int($0) - $1) <= distance }
    }

    /// Height, width and components of the first frame, baseline or progressive.
    static func frame(_ jpeg: [UInt8]) -> (height: Int, width: Int, components: Int)? {
        var position = 2
        while position + 9 < jpeg.count, jpeg[position] == 0xFF {
            let length = Int(jpeg[position + 2]) << 8 | Int(jpeg[position + 3])
            if jpeg[position + 1] == 0xC0 || jpeg[position + 1] == 0xC2 {
                return (
                    Int(jpeg[position + 5]) << 8 | Int(jpeg[position + 6]),
                    Int(jpeg[position + 7]) << 8 | Int(jpeg[position + 8]), Int(jpeg[position + 9])
                )
            }
            position += 2 + length
        }
        return nil
    }

    @Test("Progressive pictures are read, and any width will do")
    func progressive() throws {
        let grey = Array(stride(from: 0, to: 240, by: 30))
        for extent in [Extent3(4, 2, 1), Extent3(2, 2, 2), Extent3(1, 1, 8)] {
            #expect(Self.isNear(try Self.format().decoded(PictureFixtures.progressiveJPEG, extent), grey))
        }
    }

    @Test("A picture without all of its end marker is corrupt, though every row is there", arguments: [1, 3])
    func endMarker(channels: Int) throws {
        let format = try Self.format(channels: channels)
        for extent in [Extent3(8, 8, 1), Extent3(5, 3, 2), Extent3(64, 64, 3)] {
            let voxels = (0..<64 * 64 * 3 * channels).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
            let count = try #require(format.voxelByteCount(extent))
            let jpeg = try format.encoded(Array(voxels.prefix(count)), extent)
            #expect(jpeg.suffix(2) == [0xFF, 0xD9])
            #expect(format.refusal(jpeg, extent) == nil)
            for missing in 1...2 {
                let error = format.refusal(jpeg.dropLast(missing), extent)
                guard case .corruptPicture(.jpeg, _)? = error else {
                    Issue.record("\(missing) bytes short, \(extent): \(String(describing: error))")
                    return
                }
            }
        }
        for missing in 1...2 {
            let error = try Self.format().refusal(
                PictureFixtures.progressiveJPEG.dropLast(missing),
                Extent3(4, 2, 1)
            )
            #expect(error != nil)
        }
    }

    @Test("Colours are red, green and blue, each a plane of its own")
    func colours() throws {
        let format = try Self.format(channels: 3, quality: 100)
        let planes = [200, 100, 30].flatMap { Array(repeating: $0, count: 8) }
        #expect(Self.isNear(try format.decoded(PictureFixtures.subsampledJPEG, Extent3(4, 2, 1)), planes))
        let jpeg = try format.encoded(planes.map { UInt8($0) }, Extent3(4, 2, 1))
        #expect(Self.isNear(try format.decoded(jpeg, Extent3(4, 2, 1)), planes))
    }

    @Test("Colours keep their own sharpness: neighbours do not run into each other")
    func sharp() throws {
        let format = try Self.format(channels: 3, quality: 100)
        let stripes = (0..<64).map { $0 % 2 == 0 ? 220 : 40 }
        let voxels = stripes + stripes.map { 255 - $0 } + Array(repeating: 128, count: 64)
        let jpeg = try format.encoded(voxels.map { UInt8($0) }, Extent3(8, 8, 1))
        #expect(Self.isNear(try format.decoded(jpeg, Extent3(8, 8, 1)), voxels, 4))
    }

    @Test("Pictures are x wide and y times z high; beyond 65500, x times y wide and z high")
    func sides() throws {
        let format = try Self.format()
        for (extent, width, height) in [
            (Extent3(4, 3, 2), 4, 6), (Extent3(1, 65_500, 1), 1, 65_500), (Extent3(1, 32_750, 2), 1, 65_500),
            (Extent3(1, 32_751, 2), 32_751, 2),
        ] {
            let voxels = [UInt8](repeating: 77, count: extent.x * extent.y * extent.z)
            let jpeg = try format.encoded(voxels, extent)
            let frame = try #require(Self.frame(jpeg))
            #expect(frame == (height, width, 1))
            #expect(try format.decoded(jpeg, extent) == voxels)
        }
        let long = Extent3(1, 65_501, 1)
        #expect(throws: ChunkCodecError.pictureTooLarge(.jpeg, long)) {
            try format.encoded([UInt8](repeating: 0, count: 65_501), long)
        }
    }

    @Test("Grey chunks have one component, coloured ones three, and pictures the voxels of the chunk")
    func mismatches() throws {
        let grey = try Self.format()
        let colour = try Self.format(channels: 3)
        let extent = Extent3(4, 2, 1)
        #expect(
            grey.refusal(PictureFixtures.subsampledJPEG, extent) == .pictureComponents(.jpeg, 3, expected: 1)
        )
        #expect(
            colour.refusal(PictureFixtures.progressiveJPEG, extent)
                == .pictureComponents(.jpeg, 1, expected: 3)
        )
        #expect(
            colour.refusal(PictureFixtures.fourComponentJPEG, extent)
                == .pictureComponents(.jpeg, 4, expected: 3)
        )
        #expect(
            grey.refusal(PictureFixtures.progressiveJPEG, Extent3(4, 2, 2))
                == .pictureSize(.jpeg, width: 4, height: 2, voxels: 16)
        )
        for bytes in [[], Array("not a picture".utf8), [0xFF, 0xD8, 0xFF, 0xD9]] {
            let error = grey.refusal(bytes, extent)
            #expect(error?.message.hasPrefix("the jpeg chunk is corrupt: ") == true, "\(bytes)")
        }
    }

    @Test("A picture that says it is 65500 by 65500 is refused before its pixels are")
    func bomb() throws {
        var jpeg = PictureFixtures.progressiveJPEG
        let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC2 })
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        #expect(
            try Self.format().refusal(jpeg, Extent3(4, 2, 1))
                == .pictureSize(.jpeg, width: 65_500, height: 65_500, voxels: 8)
        )
    }

    @Test("Scans that end too early are errors, not grey pixels")
    func truncated() throws {
        let format = try Self.format()
        let extent = Extent3(16, 16, 4)
        var random = SeededRandom(seed: 4)
        let voxels = (0..<1024).map { _ in UInt8.random(in: 0...255, using: &random) }
        let jpeg = try format.encoded(voxels, extent)
        for count in 0..<jpeg.count - 2 {
            guard case .corruptPicture(.jpeg, _) = format.refusal(Array(jpeg.prefix(count)), extent) else {
                Issue.record("\(count) of \(jpeg.count) bytes were enough")
                return
            }
        }
    }

    @Test("Quality 0 is written, as the worst there is")
    func worst() throws {
        let voxels = [UInt8](repeating: 128, count: 64)
        #expect(try Self.format(quality: 0).encoded(voxels, Extent3(8, 8, 1)).count > 100)
    }
}
