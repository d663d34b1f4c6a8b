// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// How the voxels of a chunk lie in its bytes: the encoding, and what a reader must know beside it.
///
/// Source: the table of encodings of the Neuroglancer precomputed format.
package struct ChunkFormat: Sendable, Hashable {
    /// Most channels of a chunk.
    package static let mostChannels = 1 << 16
    /// Most voxels of a block of compressed_segmentation: 256 along each axis. More than the format can address
    /// when all differ.
    package static let largestBlockVoxels = 1 << 24

    package let encoding: ChunkEncoding
    package let type: VoxelType
    package let channels: Int
    /// Voxels along x, y, z of a block of compressed_segmentation; no other encoding has blocks.
    package let blockExtent: Extent3
    /// From 0 to 100, for writing.
    package let jpegQuality: Int
    /// Effort of compression, from 0 to 9, for writing. On electron micrographs 4 is as small and as fast as 9; 1 to 3
    /// take a quarter less time and a tenth more bytes.
    package let pngLevel: Int

    /// - Throws: a ``ChunkCodecError`` that says what the encoding allows.
    package init(
        encoding: ChunkEncoding,
        type: VoxelType,
        channels: Int = 1,
        blockExtent: Extent3 = Extent3(repeating: 8),
        jpegQuality: Int = 75,
        pngLevel: Int = 4
    ) throws(ChunkCodecError) {
        let types: [VoxelType]
        let counts: [Int]?
        switch encoding {
        case .raw: (types, counts) = (VoxelType.allCases, nil)
        case .jpeg: (types, counts) = ([.uint8], [1, 3])
        case .png: (types, counts) = ([.uint8, .uint16], [1, 2, 3, 4])
        case .compressedSegmentation: (types, counts) = ([.uint32, .uint64], nil)
        case .compresso, .jxl: throw .unreadableEncoding(encoding)
        }
        guard types.contains(type) else { throw .unsuitableType(encoding, type) }
        guard counts?.contains(channels) ?? (1...Self.mostChannels).contains(channels) else {
            throw .unsuitableChannels(encoding, channels)
        }
        guard blockExtent.entries.allSatisfy({ $0 >= 1 }),
            let blockVoxels = blockExtent.product, blockVoxels <= Self.largestBlockVoxels
        else { throw .blockExtent(blockExtent) }
        guard (0...100).contains(jpegQuality) else { throw .jpegQuality(jpegQuality) }
        guard (0...9).contains(pngLevel) else { throw .pngLevel(pngLevel) }
        self.encoding = encoding
        self.type = type
        self.channels = channels
        self.blockExtent = blockExtent
        self.jpegQuality = jpegQuality
        self.pngLevel = pngLevel
    }

    /// Returns the bytes of the decoded voxels of a chunk, or `nil` if a side is below 1 or they are too many
    /// to count.
    package func voxelByteCount(_ extent: Extent3) -> Int? {
        guard extent.entries.allSatisfy({ $0 >= 1 }), let voxels = extent.product else { return nil }
        let (bytes, overflow) = voxels.multipliedReportingOverflow(by: channels * type.byteWidth)
        return overflow ? nil : bytes
    }

    /// Returns a bound on the bytes of a chunk of this extent, for those who read a source.
    ///
    /// Exact for raw chunks. Otherwise what a wasteful writer could need, with some room for remarks in pictures;
    /// `Int.max` where the extent has no ``voxelByteCount(_:)``.
    package func encodedByteBound(_ extent: Extent3) -> Int {
        guard let byteCount = voxelByteCount(extent), let voxels = extent.product else { return .max }
        switch encoding {
        case .raw, .compresso, .jxl:
            return byteCount
        case .jpeg:
            // Noise at quality 100 is less than twice its pixels, which are padded to blocks of 8 x 8: eight times as
            // many when the picture is a line.
            return byteCount.multipliedClamped(by: 16).addingClamped(Self.pictureRemarks)
        case .png:
            // Stored blocks, and a filter byte a row, of which there are at most as many as voxels.
            return byteCount.multipliedClamped(by: 2).addingClamped(voxels).addingClamped(Self.pictureRemarks)
        case .compressedSegmentation:
            let grid = BlockGrid(chunk: extent, block: blockExtent)
            // A channel's offset; a block's header, its indices of 32 bits, its table of all voxels.
            let indices = grid.blockCount.multipliedClamped(by: grid.blockVoxels)
            let words = grid.blockCount.multipliedClamped(by: 2).addingClamped(indices)
            return words.addingClamped(1).multipliedClamped(by: 4 * channels).addingClamped(byteCount)
        }
    }

    /// Bytes that a picture may have beside its pixels: colour profiles and the like.
    private static let pictureRemarks = 1 << 18
}
