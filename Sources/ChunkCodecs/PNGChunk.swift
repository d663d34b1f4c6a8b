// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Chunks of uint8 or uint16 as PNG, of one channel to four; widths as in ``JPEGChunk``.
enum PNGChunk {
    /// `depth` is 8 or 16, the bits of a voxel.
    static func decode(
        _ bytes: UnsafeRawBufferPointer,
        voxelCount: Int,
        channels: Int,
        depth: Int,
        into voxels: UnsafeMutableRawBufferPointer
    ) throws(ChunkCodecError) {
        let reader = try PNGReader(bytes)
        let head = try reader.head()
        // Sides are below 2^31. This check comes before any memory for pixels.
        guard head.width * head.height == voxelCount else {
            throw .pictureSize(.png, width: head.width, height: head.height, voxels: voxelCount)
        }
        guard let components = head.components else { throw .palettePicture }
        guard components == channels else {
            throw .pictureComponents(.png, components, expected: channels)
        }
        guard head.depth == depth else { throw .pictureDepth(head.depth, expected: depth) }
        let samples = PictureSamples(pixels: voxelCount, channels: channels)
        guard channels > 1 else {
            try reader.read(into: voxels)
            if depth == 16 {
                samples.separate(UnsafeRawBufferPointer(voxels), into: voxels, as: UInt16.self) {
                    UInt16(bigEndian: $0)
                }
            }
            return
        }
        let pixels = UnsafeMutableRawBufferPointer.allocate(byteCount: voxels.count, alignment: 16)
        defer { pixels.deallocate() }
        try reader.read(into: pixels)
        let interleaved = UnsafeRawBufferPointer(pixels)
        if depth == 16 {
            samples.separate(interleaved, into: voxels, as: UInt16.self) { UInt16(bigEndian: $0) }
        } else {
            samples.separate(interleaved, into: voxels, as: UInt8.self) { $0 }
        }
    }

    static func encode(
        _ voxels: UnsafeRawBufferPointer,
        extent: Extent3,
        channels: Int,
        depth: Int,
        level: Int
    ) throws(ChunkCodecError) -> [UInt8] {
        guard extent.x <= PNGWriter.longestSide, extent.y * extent.z <= PNGWriter.longestSide else {
            throw .pictureTooLarge(.png, extent)
        }
        let width = UInt32(extent.x)
        let height = UInt32(extent.y * extent.z)
        let writer = try PNGWriter()
        guard channels > 1 || depth > 8 else {
            return try writer.write(
                voxels,
                width: width,
                height: height,
                components: 1,
                depth: 8,
                level: level
            )
        }
        let pixels = UnsafeMutableRawBufferPointer.allocate(byteCount: voxels.count, alignment: 16)
        defer { pixels.deallocate() }
        let samples = PictureSamples(pixels: Int(width) * Int(height), channels: channels)
        if depth == 16 {
            samples.interleave(voxels, into: pixels, as: UInt16.self) { $0.bigEndian }
        } else {
            samples.interleave(voxels, into: pixels, as: UInt8.self) { $0 }
        }
        return try writer.write(
            UnsafeRawBufferPointer(pixels),
            width: width,
            height: height,
            components: channels,
            depth: UInt8(depth),
            level: level
        )
    }
}
