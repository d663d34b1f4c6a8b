// SPDX-License-Identifier: Apache-2.0
package import Voxels

extension VolumeInfo {
    /// The chunk of an uploaded volume unless its query says another.
    package static let defaultUploadChunk = Extent3(repeating: 64)

    /// Describes an uploaded array as a volume of one scale.
    ///
    /// - Parameters:
    ///   - kind: What the voxels are.
    ///   - type: Of the array.
    ///   - channels: How many the array has; labels have 1.
    ///   - size: Voxels along x, y, z.
    ///   - voxelOffset: Where the first voxel lies, in voxels.
    ///   - voxelSize: Nanometres.
    ///   - chunk: Voxels of a chunk along x, y, z.
    ///   - encoding: `nil`: `compressed_segmentation` for labels that it can hold, `raw` for all else.
    /// - Returns: The volume, whose key is its resolution.
    /// - Throws: ``InfoError/wrong(path:found:allowed:)``, whose path is the query parameter that is wrong.
    package static func forUpload(
        kind: VolumeKind,
        type: VoxelType,
        channels: Int,
        size: Extent3,
        voxelOffset: Extent3 = Extent3(repeating: 0),
        voxelSize: VoxelSize,
        chunk: Extent3 = defaultUploadChunk,
        encoding: ChunkEncoding? = nil
    ) throws(InfoError) -> VolumeInfo {
        try checkVoxels(kind: kind, type: type, channels: channels)
        let bounds = try uploadBounds(size: size, channels: channels, voxelOffset: voxelOffset)
        guard voxelSize.isAllowed else {
            let found = voxelSize.entries.map(\.description).joined(separator: ",")
            throw .wrong(path: "resolution", found: found, allowed: "three times " + VoxelSize.wording)
        }
        if let allowed = ScaleInfo.unfitness(ofChunk: chunk) {
            throw .wrong(path: "chunk_size", found: text(chunk), allowed: allowed)
        }
        let isCompressible = kind == .segmentation && [.uint32, .uint64].contains(type)
        let encoding = encoding ?? (isCompressible ? .compressedSegmentation : .raw)
        if let allowed = encoding.unfitness(kind: kind, type: type, channels: channels, chunk: chunk) {
            throw .wrong(path: "encoding", found: encoding.rawValue, allowed: allowed)
        }
        let scale = ScaleInfo(
            key: voxelSize.key,
            bounds: bounds,
            voxelSize: voxelSize,
            chunkExtents: [chunk],
            encoding: encoding,
            blockExtent: encoding == .compressedSegmentation ? ScaleInfo.defaultBlockExtent : nil
        )
        return VolumeInfo(kind: kind, type: type, channels: channels, scales: [scale])
    }

    private static func checkVoxels(kind: VolumeKind, type: VoxelType, channels: Int) throws(InfoError) {
        guard type.isPrecomputed else {
            throw .wrong(path: "dtype", found: type.rawValue, allowed: VoxelType.precomputedWording)
        }
        guard kind == .image || !type.isFloat else {
            throw .wrong(
                path: "kind",
                found: kind.rawValue,
                allowed: "image for \(type.rawValue): labels are integers"
            )
        }
        guard (1...maxChannels).contains(channels) else {
            throw .wrong(
                path: "shape",
                found: "\(channels) channels",
                allowed: "1 to \(maxChannels) channels"
            )
        }
        guard kind == .image || channels == 1 else {
            throw .wrong(
                path: "shape",
                found: "\(channels) channels",
                allowed: "1 channel for a segmentation"
            )
        }
    }

    private static func uploadBounds(
        size: Extent3,
        channels: Int,
        voxelOffset: Extent3
    ) throws(InfoError) -> Box3 {
        let isThere = size.entries.allSatisfy { $0 >= 1 }
        let count = size.product.map { $0.multipliedClamped(by: channels) } ?? .max
        guard isThere, count < Shape.maxVoxelCount else {
            throw .wrong(
                path: "shape",
                found: text(size),
                allowed: "sizes above 0, with fewer than 2^52 voxels in all channels"
            )
        }
        var end = voxelOffset
        for axis in 0..<3 {
            let (sum, overflow) = voxelOffset[axis].addingReportingOverflow(size[axis])
            guard !overflow, voxelOffset[axis] > -ScaleInfo.maxCoordinate, sum < ScaleInfo.maxCoordinate
            else {
                throw .wrong(
                    path: "voxel_offset",
                    found: text(voxelOffset),
                    allowed: "three integers above -2^53 that stay below 2^53 with the size added"
                )
            }
            end[axis] = sum
        }
        return Box3(begin: voxelOffset, end: end)
    }

    private static func text(_ extent: Extent3) -> String { "\(extent.x),\(extent.y),\(extent.z)" }
}
