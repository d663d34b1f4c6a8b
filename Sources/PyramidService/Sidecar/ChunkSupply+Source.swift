// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Logging
import Origins
import Volumes
import Voxels
import Workers

/// Names the index of a minishard.
package struct ShardKey: Hashable, Sendable {
    let volume: UInt32
    let level: Int
    let file: String
    let minishard: Int
}

extension ChunkSupply {
    /// The chunk as the source has it, unopened; `nil`: the source does not have it, which means zeros.
    ///
    /// - Throws: ``ServiceError`` 502 or 504 when the source fails: never an empty chunk.
    func sourceChunk(
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ scale: ScaleInfo
    ) async throws -> EncodedChunk? {
        let served = volume.levels[level]
        let name = served.name(place)
        do {
            let object: StoredObject?
            if let sharding = scale.sharding {
                object = try await shardedChunk(volume, served, place, scale.key, sharding)
            } else {
                let limit = byteLimit(served, place)
                object = try await volume.origin.object(served.objectKey(place), limit: limit)
            }
            guard let object else { return nil }
            counters.read(bytes: object.bytes.count)
            if let fault = sizeFault(object, served, place) ?? served.outwardFault(object, place) {
                throw ChunkReading.broken(name, fault)
            }
            return EncodedChunk(object.bytes, object.coding, fingerprint: volume.fingerprint)
        } catch {
            let failure =
                (error as? OriginError).map { ServiceError($0, reading: name, of: volume) }
                ?? ServiceError(error)
            switch failure {
            case .badGateway, .gatewayTimeout: counters.sourceFailed()
            default: break
            }
            throw failure
        }
    }

    /// What a chunk can have at most, packed or not.
    private func byteLimit(_ level: ServedLevel, _ place: ChunkPlace) -> Int {
        let extent = level.grids[place.grid].box(place.cell).extent
        let bound = level.format?.encodedByteBound(extent) ?? limits.sourceObjectBytes
        return min(max(bound, 1 << 16), limits.sourceObjectBytes)
    }

    /// What is wrong with the size of a chunk, as it can be told although the chunk is passed on unopened; `nil`: nothing.
    ///
    /// A chunk of `raw` has one right size; the last four bytes of a gzip member tell what it holds.
    func sizeFault(_ object: StoredObject, _ level: ServedLevel, _ place: ChunkPlace) -> String? {
        guard let format = level.format, format.encoding == .raw,
            let expected = format.voxelByteCount(level.grids[place.grid].box(place.cell).extent)
        else { return nil }
        var count = object.bytes.count
        if object.coding == .gzip {
            let tail = object.bytes.suffix(4)
            guard object.bytes.count >= 18 else { return "it is no gzip" }
            count = tail.reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        guard count == expected & (object.coding == .gzip ? 0xffff_ffff : .max) else {
            return "it has \(count) bytes where \(expected) are right"
        }
        return nil
    }

    private func shardedChunk(
        _ volume: ServedVolume,
        _ level: ServedLevel,
        _ place: ChunkPlace,
        _ key: String,
        _ sharding: ShardingSpec
    ) async throws -> StoredObject? {
        let at = sharding.place(of: place.cell, gridCells: level.grids[place.grid].cells)
        let file = key + "/" + at.fileName
        guard let index = try await minishardIndex(volume, level, file, at, sharding),
            let range = index.byteRange(of: at.chunkID)
        else { return nil }
        // No chunk of any encoding is empty, and a range of no bytes cannot be asked for.
        let limit = byteLimit(level, place)
        guard (1...limit).contains(range.count) else {
            throw ChunkReading.broken(
                level.name(place),
                "its shard says that it has \(range.count) bytes, and 1 to \(limit) can be right"
            )
        }
        guard let object = try await volume.origin.range(file, range) else {
            throw ChunkReading.broken(level.name(place), "its shard is gone")
        }
        let coding: StoredObject.Coding = sharding.dataPacking == .gzip ? .gzip : .identity
        return StoredObject(bytes: object.bytes, coding: coding, version: object.version)
    }

    /// The index of a minishard; `nil`: there is no such shard, or it is empty.
    private func minishardIndex(
        _ volume: ServedVolume,
        _ level: ServedLevel,
        _ file: String,
        _ at: ShardPlace,
        _ sharding: ShardingSpec
    ) async throws -> MinishardIndex? {
        let key = ShardKey(volume: volume.id, level: level.index, file: file, minishard: at.minishard)
        if let index = indices.value(key) { return index }
        return try await indexLoads.join(key) { [self] in
            let index = try await readMinishardIndex(volume, file, at, sharding)
            if let index { indices.put(key, index, cost: index.count * 32 + file.utf8.count) }
            return index
        }
    }

    private func readMinishardIndex(
        _ volume: ServedVolume,
        _ file: String,
        _ at: ShardPlace,
        _ sharding: ShardingSpec
    ) async throws -> MinishardIndex? {
        guard
            let entry = try await volume.origin.range(
                file,
                sharding.shardIndexByteRange(minishard: at.minishard)
            )
        else {
            return nil
        }
        do {
            guard
                let range = try sharding.minishardIndexByteRange(
                    entry: entry.bytes.span,
                    minishard: at.minishard
                )
            else { return nil }
            let limit = min(limits.sourceObjectBytes, Self.indexChunks * MinishardIndex.bytesPerChunk)
            guard range.count <= limit else {
                throw ChunkReading.broken(
                    file,
                    "an index of it says that it has \(range.count) bytes, and at most \(limit) can be right"
                )
            }
            guard let packed = try await volume.origin.range(file, range) else {
                throw ChunkReading.broken(file, "it is gone since its index was read")
            }
            return try await workers.run {
                let bytes =
                    sharding.minishardIndexPacking == .gzip
                    ? try WholeGzip.inflate(packed.bytes, limit: limit) : packed.bytes
                return try MinishardIndex(bytes.span, spec: sharding, limit: Self.indexChunks)
            }
        } catch let error as InflateError {
            throw ChunkReading.broken(file, "an index of it: \(error.message)")
        } catch let error as ShardError {
            throw ChunkReading.broken(file, error.message)
        }
    }
}

extension ServiceError {
    /// What a failing source looks like to a client.
    init(_ error: OriginError, reading name: String, of volume: ServedVolume) {
        self.init(error, source: "The source of \(volume.name) did not give \(name): \(error.message).")
    }

    /// `words`: What failed and why, if it is the source that failed, and not that too much was asked of it.
    init(_ error: OriginError, source words: String) {
        switch error {
        case .cancelled: self = .clientLeft
        case .stopped: self = .draining
        case .tooManyWaiting: self = .overloaded(limit: "limits.source_transfers", words)
        case .timedOut: self = .gatewayTimeout(words)
        default: self = .badGateway(words)
        }
    }
}
