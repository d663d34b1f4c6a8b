// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// One scale of a precomputed volume, as `info` describes it.
package struct ScaleInfo: Sendable, Hashable {
    /// Coordinates stay below this, on either side of 0, so that no later sum of a few of them overflows.
    package static let maxCoordinate = 1 << 53
    /// The longest side of a chunk.
    package static let maxChunkSide = Int(Int32.max)
    /// The longest ``key``, in bytes.
    package static let maxKeyByteCount = 1024
    /// What clients take where `jpeg_quality` is not given.
    package static let defaultJPEGQuality = 75
    /// The block of compressed segmentations that are made here, unless the source has another.
    package static let defaultBlockExtent = Extent3(repeating: 8)

    /// The directory of the chunks, relative to that of `info`. Any text that is not empty: see ``AnnouncedScales``
    /// for what is shown to clients.
    package var key: String
    /// From `voxel_offset` up to `voxel_offset + size`, in voxels of this scale; not empty.
    package var bounds: Box3
    /// Nanometres.
    package var voxelSize: VoxelSize
    /// At least one; each is a grid of its own with a full copy of the data. Exactly one if the scale is sharded.
    package var chunkExtents: [Extent3]
    package var encoding: ChunkEncoding
    /// `compressed_segmentation_block_size`: there when and only when that is the encoding.
    package var blockExtent: Extent3?
    /// 0 to 100, beside `jpeg` only; `nil`: clients' default.
    package var jpegQuality: Int?
    /// 0 to 9, beside `png` only.
    package var pngLevel: Int?
    /// `nil`: each chunk is a file of its own.
    package var sharding: ShardingSpec?
    /// Not drawn by Neuroglancer.
    package var isHidden: Bool
    /// Members that mean nothing here; they are kept and written again.
    package var others: [String: JSONValue]

    /// A scale of our own making, whose numbers were checked.
    package init(
        key: String,
        bounds: Box3,
        voxelSize: VoxelSize,
        chunkExtents: [Extent3],
        encoding: ChunkEncoding,
        blockExtent: Extent3? = nil,
        jpegQuality: Int? = nil,
        pngLevel: Int? = nil,
        sharding: ShardingSpec? = nil,
        isHidden: Bool = false,
        others: [String: JSONValue] = [:]
    ) {
        precondition(!chunkExtents.isEmpty && !bounds.isEmpty, "a scale has voxels and chunks")
        self.key = key
        self.bounds = bounds
        self.voxelSize = voxelSize
        self.chunkExtents = chunkExtents
        self.encoding = encoding
        self.blockExtent = blockExtent
        self.jpegQuality = jpegQuality
        self.pngLevel = pngLevel
        self.sharding = sharding
        self.isHidden = isHidden
        self.others = others
    }

    /// The chunk grid that is read and served first: of the first of ``chunkExtents``.
    package var grid: ChunkGrid { ChunkGrid(bounds: bounds, chunk: chunkExtents[0]) }

    /// All grids, in the order of ``chunkExtents``.
    package var grids: [ChunkGrid] { chunkExtents.map { ChunkGrid(bounds: bounds, chunk: $0) } }

    /// The chunk that a name stands for: the first grid that has a cell with exactly this box.
    package func chunk(of box: Box3) -> (gridIndex: Int, cell: Extent3)? {
        for (index, grid) in grids.enumerated() {
            if let cell = grid.cell(of: box) { return (index, cell) }
        }
        return nil
    }
}

extension ScaleInfo {
    /// The most voxels of a chunk that is made here, channels not counted.
    package static let maxMadeChunkVoxels = 1 << 28

    /// What a chunk that is made here may be, if `chunk` is not that; otherwise `nil`.
    static func unfitness(ofChunk chunk: Extent3) -> String? {
        let isFit =
            chunk.entries.allSatisfy { (1...maxChunkSide).contains($0) }
            && (chunk.product ?? .max) <= maxMadeChunkVoxels
        return isFit ? nil : "three integers above 0, x,y,z, with a product of at most \(maxMadeChunkVoxels)"
    }
}
