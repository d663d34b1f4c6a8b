// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

extension ChunkFormat {
    /// The voxels of a chunk, of which no byte before or behind is touched, at an odd address.
    func decoded(_ bytes: [UInt8], _ extent: Extent3) throws(ChunkCodecError) -> [UInt8] {
        guard let count = voxelByteCount(extent) else { throw .extent(extent) }
        var room = [UInt8](repeating: 0xA5, count: count + 18)
        let result = room.withUnsafeMutableBytes { room in
            bytes.withUnsafeBytes { bytes in
                Result { () throws(ChunkCodecError) in
                    let voxels = UnsafeMutableRawBufferPointer(rebasing: room[9..<count + 9])
                    try decode(bytes, extent: extent, into: voxels)
                }
            }
        }
        try result.get()
        #expect((room.prefix(9) + room.suffix(9)).allSatisfy { $0 == 0xA5 }, "written outside of the voxels")
        return Array(room[9..<count + 9])
    }

    /// The bytes of a chunk, from voxels at an odd address.
    func encoded(_ voxels: [UInt8], _ extent: Extent3) throws(ChunkCodecError) -> [UInt8] {
        let shifted = [0] + voxels
        let result = shifted.withUnsafeBytes { bytes in
            Result { () throws(ChunkCodecError) in
                try encode(UnsafeRawBufferPointer(rebasing: bytes[1...]), extent: extent)
            }
        }
        return try result.get()
    }

    /// Why a chunk is refused; nil if it is not.
    func refusal(_ bytes: [UInt8], _ extent: Extent3) -> ChunkCodecError? {
        do throws(ChunkCodecError) {
            _ = try decoded(bytes, extent)
            return nil
        } catch {
            return error
        }
    }
}

/// Little-endian words, written as hexadecimal numbers between blanks and bars.
func words(_ text: String) -> [UInt8] {
    text.split { $0 == " " || $0 == "|" || $0 == "\n" }
        .flatMap { littleEndian(UInt32($0, radix: 16) ?? 0xDEAD_BEEF) }
}

/// Bytes written as pairs of hexadecimal digits.
func hexadecimal(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func bytes(of labels: [some FixedWidthInteger]) -> [UInt8] { labels.flatMap(littleEndian) }

/// A seed that no other run has, unless it is given to repeat a failure; tests print it.
func newSeed() -> UInt64 { .random(in: 0...UInt64.max) }

/// Every format that is read and written, with blocks that fit some extents and not others.
func allFormats() throws(ChunkCodecError) -> [ChunkFormat] {
    var formats: [ChunkFormat] = []
    for type in VoxelType.allCases {
        for channels in [1, 3] {
            formats.append(try ChunkFormat(encoding: .raw, type: type, channels: channels))
        }
    }
    for channels in [1, 3] {
        formats.append(
            try ChunkFormat(encoding: .jpeg, type: .uint8, channels: channels, jpegQuality: 100)
        )
    }
    for type in [VoxelType.uint8, .uint16] {
        for channels in 1...4 {
            formats.append(try ChunkFormat(encoding: .png, type: type, channels: channels, pngLevel: 2))
        }
    }
    for type in [VoxelType.uint32, .uint64] {
        for (channels, block) in [(1, Extent3(8, 8, 8)), (2, Extent3(4, 2, 2)), (3, Extent3(5, 7, 3))] {
            formats.append(
                try ChunkFormat(
                    encoding: .compressedSegmentation,
                    type: type,
                    channels: channels,
                    blockExtent: block
                )
            )
        }
    }
    return formats
}
