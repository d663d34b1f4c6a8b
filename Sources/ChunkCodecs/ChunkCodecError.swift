// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// Why a chunk format does not exist, or a chunk cannot be read or written.
package enum ChunkCodecError: Error, Equatable, Sendable {
    /// Chunks of this encoding are neither read nor written here.
    case unreadableEncoding(ChunkEncoding)
    /// This encoding has no such voxels.
    case unsuitableType(ChunkEncoding, VoxelType)
    /// This encoding has no chunks of so many channels.
    case unsuitableChannels(ChunkEncoding, Int)
    case blockExtent(Extent3)
    case jpegQuality(Int)
    case pngLevel(Int)
    /// A side is below 1, or the voxels are more bytes than can be counted.
    case extent(Extent3)
    /// A raw chunk of another length.
    case byteCount(Int, expected: Int)
    /// Width times height is another number than that of the voxels.
    case pictureSize(ChunkEncoding, width: Int, height: Int, voxels: Int)
    case pictureComponents(ChunkEncoding, Int, expected: Int)
    /// A PNG of another sample depth, in bits.
    case pictureDepth(Int, expected: Int)
    /// A PNG with a palette: its samples are no intensities.
    case palettePicture
    /// The picture library refuses the bytes, for this reason.
    case corruptPicture(ChunkEncoding, reason: String)
    /// No picture of this encoding has sides that hold so many voxels.
    case pictureTooLarge(ChunkEncoding, Extent3)
    /// The picture library cannot write, for this reason.
    case pictureNotWritten(ChunkEncoding, reason: String)
    case segmentation(SegmentationFault)
    case outOfMemory

    /// What is wrong, and what would be right.
    package var message: String {
        switch self {
        case .unreadableEncoding(let encoding):
            "chunks of encoding \(encoding.rawValue) are neither read nor written here: "
                + "use raw, jpeg, png or compressed_segmentation"
        case .unsuitableType(let encoding, let type):
            "encoding \(encoding.rawValue) has no \(type.rawValue) voxels: use \(Self.types(of: encoding))"
        case .unsuitableChannels(let encoding, let channels):
            "encoding \(encoding.rawValue) has no chunks of \(channels) channels: "
                + "use \(Self.channels(of: encoding))"
        case .blockExtent(let block):
            "a block of compressed_segmentation cannot be \(Self.sides(block)): "
                + "each side must be at least 1, the product at most \(ChunkFormat.largestBlockVoxels)"
        case .jpegQuality(let quality):
            "JPEG quality \(quality) does not exist: use 0 to 100"
        case .pngLevel(let level):
            "PNG level \(level) does not exist: use 0 to 9"
        case .extent(let extent):
            "a chunk cannot be \(Self.sides(extent)): each side must be at least 1, "
                + "and its bytes must be countable"
        case .byteCount(let found, let expected):
            "the raw chunk has \(found) bytes: its voxels need \(expected)"
        case .pictureSize(let encoding, let width, let height, let voxels):
            "the \(encoding.rawValue) chunk is a picture of \(width) x \(height) pixels: "
                + "the product must be \(voxels), the voxels of the chunk"
        case .pictureComponents(let encoding, let found, let expected):
            "the \(encoding.rawValue) chunk has \(found) components: it must have as many as the volume "
                + "has channels, \(expected)"
        case .pictureDepth(let found, let expected):
            "the png chunk has samples of \(found) bits: they must have \(expected)"
        case .palettePicture:
            "the png chunk has a palette: use colour type 0, 4, 2 or 6"
        case .corruptPicture(let encoding, let reason):
            "the \(encoding.rawValue) chunk is corrupt: \(reason)"
        case .pictureTooLarge(let encoding, let extent):
            "a chunk of \(Self.sides(extent)) voxels does not fit in a \(encoding.rawValue) picture: "
                + "use smaller chunks"
        case .pictureNotWritten(let encoding, let reason):
            "the \(encoding.rawValue) picture could not be written: \(reason)"
        case .segmentation(let fault):
            "the compressed_segmentation chunk \(fault.message)"
        case .outOfMemory:
            "no memory is left for a chunk"
        }
    }

    private static func sides(_ extent: Extent3) -> String { "\(extent.x) x \(extent.y) x \(extent.z)" }

    private static func types(of encoding: ChunkEncoding) -> String {
        switch encoding {
        case .raw: "any type"
        case .jpeg: "uint8"
        case .png: "uint8 or uint16"
        case .compressedSegmentation: "uint32 or uint64"
        case .compresso, .jxl: "another encoding"
        }
    }

    private static func channels(of encoding: ChunkEncoding) -> String {
        switch encoding {
        case .raw, .compressedSegmentation: "1 to \(ChunkFormat.mostChannels)"
        case .jpeg: "1 or 3"
        case .png: "1 to 4"
        case .compresso, .jxl: "another encoding"
        }
    }
}
