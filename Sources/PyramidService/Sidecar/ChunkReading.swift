// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Origins
import Voxels

/// Decodes chunks into boxes.
enum ChunkReading {
    /// Puts the voxels of `chunk`, which fill `chunkBox`, where they belong in `target`.
    ///
    /// - Throws: ``ServiceError/badGateway(_:)`` with `name` when the chunk is broken, `EngineError.outOfMemory`.
    static func place(
        _ chunk: EncodedChunk,
        _ chunkBox: Box3,
        _ format: ChunkFormat,
        in target: BoxVoxels,
        _ name: String
    ) throws {
        let extent = chunkBox.extent
        var bytes = chunk.bytes
        if chunk.coding == .gzip {
            do {
                bytes = try WholeGzip.inflate(bytes, limit: format.encodedByteBound(extent))
            } catch {
                throw broken(name, error.message)
            }
        }
        if format.encoding == .raw {
            guard bytes.count == format.voxelByteCount(extent) else {
                throw broken(
                    name,
                    "it has \(bytes.count) bytes where \(format.voxelByteCount(extent) ?? 0) are right"
                )
            }
            return bytes.withUnsafeBytes { target.copy(from: $0, of: chunkBox) }
        }
        if chunkBox == target.box { return try decode(bytes, format, into: target, name) }
        let voxels = try BoxVoxels(chunkBox, channels: format.channels, width: format.type.byteWidth)
        try decode(bytes, format, into: voxels, name)
        target.copy(from: UnsafeRawBufferPointer(voxels.bytes), of: chunkBox)
    }

    private static func decode(
        _ bytes: [UInt8],
        _ format: ChunkFormat,
        into voxels: BoxVoxels,
        _ name: String
    ) throws {
        do {
            try bytes.withUnsafeBytes { bytes in
                try format.decode(bytes, extent: voxels.box.extent, into: voxels.bytes)
            }
        } catch let error as ChunkCodecError {
            throw broken(name, error.message)
        }
    }

    static func broken(_ name: String, _ reason: String) -> ServiceError {
        .badGateway("The chunk \(name) of the source is broken: \(reason).")
    }
}
