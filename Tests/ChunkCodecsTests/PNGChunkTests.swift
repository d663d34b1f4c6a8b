// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

@Suite struct PNGChunkTests {
    typealias Fixtures = PictureFixtures

    static func format(_ type: VoxelType = .uint8, channels: Int = 1) throws -> ChunkFormat {
        try ChunkFormat(encoding: .png, type: type, channels: channels)
    }

    /// 3 x 2 grey pixels: 1 to 6.
    static let extent = Extent3(3, 2, 1)
    static let rows: [UInt8] = [0, 1, 2, 3, 0, 4, 5, 6]

    static func grey(remarks: [UInt8] = []) -> [UInt8] {
        Fixtures.png(width: 3, height: 2, depth: 8, colours: 0, remarks: remarks, rows: rows)
    }

    @Test("Any width will do whose product with the height is the number of voxels")
    func widths() throws {
        let format = try Self.format()
        for (width, height) in [(1, 6), (2, 3), (3, 2), (6, 1)] {
            let rows = (0..<height).flatMap { y -> [UInt8] in
                [0] + (0..<width).map { UInt8(1 + y * width + $0) }
            }
            let png = Fixtures.png(width: width, height: height, depth: 8, colours: 0, rows: rows)
            for extent in [Extent3(3, 2, 1), Extent3(1, 1, 6)] {
                #expect(try format.decoded(png, extent) == [1, 2, 3, 4, 5, 6])
            }
            #expect(
                format.refusal(png, Extent3(7, 1, 1))
                    == .pictureSize(.png, width: width, height: height, voxels: 7)
            )
        }
    }

    @Test("Samples of 16 bits are big-endian inside, channels interleaved inside and planar outside")
    func samples() throws {
        let rows: [UInt8] = [0, 0x12, 0x34, 0x00, 0x01, 0x56, 0x78, 0x00, 0x02]
        let png = Fixtures.png(width: 2, height: 1, depth: 16, colours: 4, rows: rows)
        let format = try Self.format(.uint16, channels: 2)
        let voxels = bytes(of: [0x1234, 0x5678, 1, 2] as [UInt16])
        #expect(try format.decoded(png, Extent3(2, 1, 1)) == voxels)
        let written = try format.encoded(voxels, Extent3(2, 1, 1))
        // Width 2, height 1, depth 16, colour type 4.
        #expect(Array(written[16..<26]) == [0, 0, 0, 2, 0, 0, 0, 1, 16, 4])
    }

    @Test("Pictures are x wide and y times z high, of the colour type of their channels", arguments: 1...4)
    func header(channels: Int) throws {
        let format = try Self.format(channels: channels)
        let voxels = (0..<24 * channels).map { UInt8($0) }
        let png = try format.encoded(voxels, Extent3(4, 3, 2))
        #expect(Array(png[16..<26]) == [0, 0, 0, 4, 0, 0, 0, 6, 8, [0, 4, 2, 6][channels - 1]])
    }

    @Test("Interlaced pictures and pictures with remarks are read")
    func alien() throws {
        let format = try Self.format()
        // Passes 1, 6 and 7 of 3 x 2: pixels (0,0); (2,0) is of pass 4, (1,0) of 6, the second row of 7.
        let rows: [UInt8] = [0, 1, 0, 3, 0, 2, 0, 4, 5, 6]
        let interlaced = Fixtures.png(width: 3, height: 2, depth: 8, colours: 0, interlace: 1, rows: rows)
        #expect(try format.decoded(interlaced, Self.extent) == [1, 2, 3, 4, 5, 6])
        let remarks =
            Fixtures.pngChunk(
                "iCCP",
                Array("name".utf8) + [0, 0] + zlibStream([UInt8](repeating: 1, count: 200))
            )
            + Fixtures.pngChunk("tEXt", Array("Comment".utf8) + [0] + Array("mips".utf8))
            + Fixtures.pngChunk("tRNS", [0, 1])
            + Fixtures.pngChunk("gAMA", Fixtures.bigEndian(UInt32(100_000)))
        #expect(try format.decoded(Self.grey(remarks: remarks), Self.extent) == [1, 2, 3, 4, 5, 6])
    }

    @Test("Palettes, other depths and other components are refused by name")
    func refused() throws {
        let grey = try Self.format()
        let palette = Fixtures.png(
            width: 3,
            height: 2,
            depth: 8,
            colours: 3,
            remarks: Fixtures.pngChunk("PLTE", (0..<21).map { UInt8($0) }),
            rows: Self.rows
        )
        #expect(grey.refusal(palette, Self.extent) == .palettePicture)
        let bits = Fixtures.png(
            width: 3,
            height: 2,
            depth: 4,
            colours: 0,
            rows: [0, 0x12, 0x30, 0, 0x45, 0x60]
        )
        #expect(grey.refusal(bits, Self.extent) == .pictureDepth(4, expected: 8))
        #expect(
            try Self.format(.uint16).refusal(Self.grey(), Self.extent) == .pictureDepth(8, expected: 16)
        )
        for channels in 2...4 {
            let other = try Self.format(channels: channels)
            let error = other.refusal(Self.grey(), Self.extent)
            #expect(error == .pictureComponents(.png, 1, expected: channels))
            let png = try other.encoded([UInt8](repeating: 9, count: 6 * channels), Self.extent)
            #expect(
                grey.refusal(png, Self.extent) == .pictureComponents(.png, channels, expected: 1)
            )
        }
        let noPNG = grey.refusal(Array("not a picture".utf8), Self.extent)
        #expect(noPNG?.message.hasPrefix("the png chunk is corrupt: ") == true)
        #expect(grey.refusal([], Self.extent) == .corruptPicture(.png, reason: "no bytes"))
    }

    @Test("Remarks that inflate to megabytes are refused, and so are huge sides")
    func bombs() throws {
        let format = try Self.format()
        let megabytes = zlibStream([UInt8](repeating: 0, count: 1_200_000))
        for type in ["zTXt", "iCCP"] {
            let remark = Fixtures.pngChunk(type, Array("name".utf8) + [0, 0] + megabytes)
            let error = format.refusal(Self.grey(remarks: remark), Self.extent)
            guard case .corruptPicture(.png, _) = error else {
                Issue.record("\(type): \(String(describing: error))")
                continue
            }
        }
        let side = Int(Int32.max)
        let huge = Fixtures.png(width: side, height: side, depth: 8, colours: 0, rows: Self.rows)
        #expect(
            format.refusal(huge, Self.extent)
                == .pictureSize(.png, width: side, height: side, voxels: 6)
        )
    }

    @Test("Pixel data that goes on behind the last row, or ends before it, is not taken for another picture")
    func length() throws {
        let format = try Self.format()
        let short = Fixtures.png(width: 3, height: 2, depth: 8, colours: 0, rows: Array(Self.rows.dropLast()))
        guard case .corruptPicture(.png, _) = format.refusal(short, Self.extent) else {
            Issue.record("a row without its last pixel was read")
            return
        }
    }

    @Test("Previews of grey, colour and alpha are pictures of their size", arguments: [1, 3, 4])
    func preview(channels: Int) throws {
        let pixels = (0..<30 * channels).map { UInt8(truncatingIfNeeded: 7 * $0) }
        let result = pixels.withUnsafeBytes { pixels in
            Result { () throws(ChunkCodecError) in
                try Picture.png(width: 6, height: 5, channels: channels, pixels: pixels, level: 9)
            }
        }
        let format = try Self.format(channels: channels)
        let planar = (0..<channels).flatMap { c in
            stride(from: c, to: pixels.count, by: channels).map { pixels[$0] }
        }
        #expect(try format.decoded(try result.get(), Extent3(6, 5, 1)) == planar)
    }

    @Test("Previews that cannot be are refused")
    func noPreview() {
        func png(_ width: Int, _ height: Int, _ channels: Int, _ level: Int) throws(ChunkCodecError)
            -> [UInt8]
        {
            try Picture.png(
                width: width,
                height: height,
                channels: channels,
                pixels: UnsafeRawBufferPointer(start: nil, count: 0),
                level: level
            )
        }
        #expect(throws: ChunkCodecError.unsuitableChannels(.png, 5)) { try png(1, 1, 5, 1) }
        #expect(throws: ChunkCodecError.pngLevel(10)) { try png(1, 1, 1, 10) }
        #expect(throws: ChunkCodecError.pictureTooLarge(.png, Extent3(0, 4, 1))) { try png(0, 4, 1, 1) }
        #expect(throws: ChunkCodecError.pictureTooLarge(.png, Extent3(1 << 31, 4, 1))) {
            try png(1 << 31, 4, 1, 1)
        }
    }
}
