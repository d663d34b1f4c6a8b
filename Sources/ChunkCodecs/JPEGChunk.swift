// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Chunks of uint8 as JPEG, of one channel or of three.
///
/// The rows of the picture, one after another, are the voxels in flat order, and so any width will do whose product
/// with the height is the number of voxels.
enum JPEGChunk {
    static func decode(
        _ bytes: UnsafeRawBufferPointer,
        voxelCount: Int,
        channels: Int,
        into voxels: UnsafeMutableRawBufferPointer
    ) throws(ChunkCodecError) {
        let decompressor = try JPEGDecompressor()
        let head = try decompressor.head(bytes)
        // Sides are below 2^16. This check comes before any memory for pixels.
        guard head.width * head.height == voxelCount else {
            throw .pictureSize(.jpeg, width: head.width, height: head.height, voxels: voxelCount)
        }
        guard head.components == channels else {
            throw .pictureComponents(.jpeg, head.components, expected: channels)
        }
        guard channels > 1 else { return try decompressor.decompress(bytes, head, into: voxels) }
        let pixels = UnsafeMutableRawBufferPointer.allocate(byteCount: voxels.count, alignment: 16)
        defer { pixels.deallocate() }
        try decompressor.decompress(bytes, head, into: pixels)
        PictureSamples(pixels: voxelCount, channels: channels)
            .separate(UnsafeRawBufferPointer(pixels), into: voxels, as: UInt8.self) { $0 }
    }

    static func encode(
        _ voxels: UnsafeRawBufferPointer,
        extent: Extent3,
        channels: Int,
        quality: Int
    ) throws(ChunkCodecError) -> [UInt8] {
        // As all writers do, unless the sides would be too long.
        let upright = (width: extent.x, height: extent.y * extent.z)
        let sides =
            upright.height <= JPEGCompressor.longestSide
            ? upright : (width: extent.x * extent.y, height: extent.z)
        guard max(sides.width, sides.height) <= JPEGCompressor.longestSide else {
            throw .pictureTooLarge(.jpeg, extent)
        }
        let compressor = try JPEGCompressor()
        guard channels > 1 else {
            return try compressor.compress(
                voxels,
                width: sides.width,
                height: sides.height,
                components: 1,
                quality: quality
            )
        }
        let pixels = UnsafeMutableRawBufferPointer.allocate(byteCount: voxels.count, alignment: 16)
        defer { pixels.deallocate() }
        PictureSamples(pixels: sides.width * sides.height, channels: channels)
            .interleave(voxels, into: pixels, as: UInt8.self) { $0 }
        return try compressor.compress(
            UnsafeRawBufferPointer(pixels),
            width: sides.width,
            height: sides.height,
            components: channels,
            quality: quality
        )
    }
}
