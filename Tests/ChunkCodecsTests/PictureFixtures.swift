// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs

/// Pictures of kinds that are read but not written here.
enum PictureFixtures {
    /// Grey, 4 x 2, progressive: about 0, 30, 60, 90, 120, 150, 180, 210. Made by Pillow.
    static let progressiveJPEG = hexadecimal(
        """
        ffd8ffe000104a46494600010100000100010000ffdb004300030202030202030303030403030405080505040405
        0a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc200
        0b080002000401011100ffc40014000100000000000000000000000000000006ffda000801010000000177ffc400
        161001010100000000000000000000000000050415ffda000801010001050210b8b3ff00ffc40018100002030000
        00000000000000000000000003012493ffda0008010100063f025d446707ffc40016100003000000000000000000
        00000000000091f0ffda0008010100013f21b5e8ffda0008010100000010ff00ffc4001710000301000000000000
        0000000000000000017191ffda0008010100013f10aab243ffd9
        """
    )

    /// 4 x 2, red, green and blue about 200, 100, 30, colours halved along both sides. Made by Pillow.
    static let subsampledJPEG = hexadecimal(
        """
        ffd8ffe000104a46494600010100000100010000ffdb004300030202030202030303030403030405080505040405
        0a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffdb00
        430103040405040509050509140d0b0d141414141414141414141414141414141414141414141414141414141414
        1414141414141414141414141414141414141414ffc00011080002000403012200021101031101ffc40015000101
        00000000000000000000000000000005ffc40014100100000000000000000000000000000000ffc4001401010000
        0000000000000000000000000008ffc40014110100000000000000000000000000000000ffda000c030100021103
        11003f009e00e84abfffd9
        """
    )

    /// 4 x 2, four components. Made by Pillow.
    static let fourComponentJPEG = hexadecimal(
        """
        ffd8ffee000e41646f626500640000000000ffdb0043000302020302020303030304030304050805050404050a07
        0706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc0001408
        00020004044311004d11005911004b1100ffc400160001010100000000000000000000000000090708ffc4001410
        0100000000000000000000000000000000ffda000e0443004d0059004b00003f00d809a0fa2a6fffd9
        """
    )

    static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian, Array.init)
    }

    /// A chunk of a PNG file.
    static func pngChunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(CRC32.update(0, body))
    }

    /// A PNG of these rows, each with its filter byte, with `remarks` between the header and the pixels.
    static func png(
        width: Int,
        height: Int,
        depth: UInt8,
        colours: UInt8,
        interlace: UInt8 = 0,
        remarks: [UInt8] = [],
        rows: [UInt8]
    ) -> [UInt8] {
        let header =
            bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [depth, colours, 0, 0, interlace]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + pngChunk("IHDR", header) + remarks
            + pngChunk("IDAT", zlibStream(rows)) + pngChunk("IEND", [])
    }
}
