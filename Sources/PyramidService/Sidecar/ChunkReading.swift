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
        try withPlainBytes(of: chunk, chunkBox, format, name) {
            try place($0, chunkBox, format, in: target, name)
        }
    }

    /// Calls `body` with the bytes of `chunk`, which fills `chunkBox`, in its encoding, inflated where they are packed.
    ///
    /// - Throws: ``ServiceError/badGateway(_:)`` with `name` when they cannot be inflated, and what `body` throws.
    static func withPlainBytes(
        of chunk: EncodedChunk,
        _ chunkBox: Box3,
        _ format: ChunkFormat,
        _ name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard chunk.coding == .gzip else { return try chunk.bytes.withUnsafeBytes { try body($0) } }
        let bytes: [UInt8]
        do {
            bytes = try WholeGzip.inflate(chunk.bytes, limit: format.encodedByteBound(chunkBox.extent))
        } catch {
            throw broken(name, error.message)
        }
        try bytes.withUnsafeBytes { try body($0) }
    }

    /// The same as ``place(_:_:_:in:_:)`` of bytes that are not packed.
    static func place(
        _ bytes: UnsafeRawBufferPointer,
        _ chunkBox: Box3,
        _ format: ChunkFormat,
        in target: BoxVoxels,
        _ name: String
    ) throws {
        let extent = chunkBox.extent
        if format.encoding == .raw {
            guard bytes.count == format.voxelByteCount(extent) else {
                throw broken(
                    name,
                    "it has \(bytes.count) bytes where \(format.voxelByteCount(extent) ?? 0) are right"
                )
            }
            return target.copy(from: bytes, of: chunkBox)
        }
        if chunkBox == target.box { return try decode(bytes, format, into: target, name) }
        let voxels = try BoxVoxels(chunkBox, channels: format.channels, width: format.type.byteWidth)
        try decode(bytes, format, into: voxels, name)
        target.copy(from: UnsafeRawBufferPointer(voxels.bytes), of: chunkBox)
    }

    private static func decode(
        _ bytes: UnsafeRawBufferPointer,
        _ format: ChunkFormat,
        into voxels: BoxVoxels,
        _ name: String
    ) throws {
        do {
            try format.decode(bytes, extent: voxels.box.extent, into: voxels.bytes)
        } catch {
            throw broken(name, error.message)
        }
    }

    static func broken(_ name: String, _ reason: String) -> ServiceError {
        .badGateway("The chunk \(name) of the source is broken: \(reason).")
    }
}
