// SPDX-License-Identifier: Apache-2.0
package import Voxels

extension ChunkFormat {
    /// Decodes the bytes of a chunk into its voxels: x fastest, then y, z, and the channel slowest, each number as
    /// the machine has it.
    ///
    /// `extent` is that of this very chunk, clipped at the end of the volume. `voxels` has exactly
    /// ``voxelByteCount(_:)`` bytes, at any address; they are without meaning after a throw.
    ///
    /// - Throws: a ``ChunkCodecError``. Bytes of any kind do nothing worse.
    package func decode(
        _ bytes: UnsafeRawBufferPointer,
        extent: Extent3,
        into voxels: UnsafeMutableRawBufferPointer
    ) throws(ChunkCodecError) {
        guard let byteCount = voxelByteCount(extent) else { throw .extent(extent) }
        precondition(voxels.count == byteCount, "room for exactly the voxels")
        switch encoding {
        case .raw:
            guard bytes.count == byteCount else { throw .byteCount(bytes.count, expected: byteCount) }
            voxels.copyMemory(from: bytes)
        case .compressedSegmentation:
            let grid = BlockGrid(chunk: extent, block: blockExtent)
            if type == .uint32 {
                try SegmentationDecoder<UInt32>(grid).decode(bytes, channels: channels, into: voxels)
            } else {
                try SegmentationDecoder<UInt64>(grid).decode(bytes, channels: channels, into: voxels)
            }
        case .jpeg:
            let voxelCount = byteCount / channels
            try JPEGChunk.decode(bytes, voxelCount: voxelCount, channels: channels, into: voxels)
        case .png:
            try PNGChunk.decode(
                bytes,
                voxelCount: byteCount / (channels * type.byteWidth),
                channels: channels,
                depth: 8 * type.byteWidth,
                into: voxels
            )
        case .compresso, .jxl:
            throw .unreadableEncoding(encoding)
        }
    }

    /// Returns the bytes of a chunk from its voxels, which lie as ``decode(_:extent:into:)`` leaves them.
    ///
    /// `voxels` has exactly ``voxelByteCount(_:)`` bytes, at any address.
    ///
    /// - Throws: a ``ChunkCodecError`` if the chunk is too large for its encoding, or memory ends.
    package func encode(
        _ voxels: UnsafeRawBufferPointer,
        extent: Extent3
    ) throws(ChunkCodecError) -> [UInt8] {
        guard let byteCount = voxelByteCount(extent) else { throw .extent(extent) }
        precondition(voxels.count == byteCount, "exactly the voxels")
        switch encoding {
        case .raw:
            return Array(voxels)
        case .compressedSegmentation:
            let grid = BlockGrid(chunk: extent, block: blockExtent)
            guard type == .uint32 else {
                return try SegmentationEncoder<UInt64>.encode(voxels, channels: channels, grid: grid)
            }
            return try SegmentationEncoder<UInt32>.encode(voxels, channels: channels, grid: grid)
        case .jpeg:
            return try JPEGChunk.encode(voxels, extent: extent, channels: channels, quality: jpegQuality)
        case .png:
            return try PNGChunk.encode(
                voxels,
                extent: extent,
                channels: channels,
                depth: 8 * type.byteWidth,
                level: pngLevel
            )
        case .compresso, .jxl:
            throw .unreadableEncoding(encoding)
        }
    }
}
