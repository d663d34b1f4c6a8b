// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import HTTP1
import HTTPServer
import Origins
import Volumes
import Voxels
import Workers

/// Serves `/zarr/{name}`: the same volume as OME-Zarr 0.4, whose chunks are those of the volume, unpacked and padded.
struct ZarrHandler {
    private let context: ServiceContext
    private let transaction: Transaction

    init(_ context: ServiceContext, _ transaction: Transaction) {
        self.context = context
        self.transaction = transaction
    }

    func answer(_ volume: ServedVolume, _ key: String) async throws {
        let zarr = OMEZarr(volume.info, name: volume.name)
        guard let resource = zarr.resource(at: key[...]) else {
            throw ServiceError.notFound(
                "There is no \(shortened(key)) in \(volume.name); there are .zgroup, .zattrs, .zmetadata, and the arrays "
                    + "\(zarr.levels.map(String.init).joined(separator: ", "))."
            )
        }
        if case .chunk(let level, let cell) = resource {
            return try await chunk(volume, level, cell, zarr.chunkExtent(level: level))
        }
        let metadata = EncodedChunk(
            zarr.metadata(resource) ?? [],
            .identity,
            fingerprint: volume.fingerprint
        )
        try await answer("application/json", isCompressible: false)
            .send(metadata.bytes, .identity, tag: metadata.tag)
    }

    private func answer(_ type: String, isCompressible: Bool) -> RepresentationAnswer {
        RepresentationAnswer(
            transaction: transaction,
            contentType: type,
            cacheControl: context.cacheControl,
            isCompressible: isCompressible,
            memory: context.answers
        )
    }

    private func chunk(_ volume: ServedVolume, _ level: Int, _ cell: Extent3, _ extent: Extent3) async throws
    {
        let served = volume.levels[level]
        guard let format = served.format else { throw served.unreadable }
        let answer = answer("application/octet-stream", isCompressible: true)
        let coding = try answer.coding()
        let (supply, place) = (context.sidecar.supply, ChunkPlace(cell: cell))
        let box = served.grids[0].box(cell)
        var padded = box
        for axis in 0..<3 { padded.end[axis] = box.begin[axis] + extent[axis] }
        if format.encoding == .raw, padded == box, coding == .identity {
            let stored = try await supply.chunk(volume, level, place, .identity)
            return try await answer.send(stored.bytes, .identity, tag: stored.tag)
        }
        // Set aside before anything is read. The padded chunk, the chunk as it is, and the answer: a padded chunk can be far larger than what is stored.
        let byteCount = (padded.extent.product ?? .max).multipliedClamped(by: volume.info.voxelBytes)
        let price = byteCount.multipliedClamped(by: 3)
        try await context.sidecar.boxes.enter(price: price, for: .box)
        defer { context.sidecar.boxes.leave(price: price) }
        let fingerprint = volume.fingerprint
        let stored = try await supply.chunk(volume, level, place, .identity)
        let chunk = try await supply.reading(stored, volume, level, place) { [padded] stored in
            let voxels = try BoxVoxels(padded, channels: format.channels, width: format.type.byteWidth)
            if padded != box { voxels.clear() }
            try ChunkReading.place(stored, box, format, in: voxels, served.name(place))
            let bytes = UnsafeRawBufferPointer(voxels.bytes)
            return coding == .gzip
                ? EncodedChunk(WholeGzip.deflate(bytes), .gzip, fingerprint: fingerprint)
                : EncodedChunk(Array(bytes), .identity, fingerprint: fingerprint)
        }
        try await answer.send(chunk.bytes, chunk.coding == .gzip ? .gzip : .identity, tag: chunk.tag)
    }
}
