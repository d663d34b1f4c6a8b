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

/// The index of a minishard as it was read.
package struct ReadMinishard: Sendable {
    let index: MinishardIndex
    /// Of the shard's file; `nil`: unknown.
    let version: String?

    /// Whether bytes of this version belong to this index, as far as can be told.
    func isOf(_ other: String?) -> Bool { version == nil || other == nil || version == other }
}

extension ChunkSupply {
    /// How often a shard is read that is another one each time.
    private static let shardTries = 3
    private static let replacedEachTime = "it was another one each of the \(shardTries) times it was read"

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
            let (sized, fault) = try await sized(object, served, place)
            if let fault = fault ?? served.outwardFault(object, place) {
                throw ChunkReading.broken(name, fault)
            }
            return EncodedChunk(sized.bytes, sized.coding, fingerprint: volume.fingerprint)
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
    func byteLimit(_ level: ServedLevel, _ place: ChunkPlace) -> Int {
        let extent = level.grids[place.grid].box(place.cell).extent
        let bound = level.format?.encodedByteBound(extent) ?? limits.sourceObjectBytes
        return min(max(bound, 1 << 16), limits.sourceObjectBytes)
    }

    /// Whether the size of a raw chunk is right, as far as it shows without inflating; of other encodings it says nothing.
    func hasRightSize(_ object: StoredObject, _ level: ServedLevel, _ place: ChunkPlace) -> Bool {
        if case .right = ShownSize(object, level, place) { true } else { false }
    }

    /// The chunk, and what is wrong with its size, as far as that can be told of what is passed on unopened; `nil`: nothing.
    ///
    /// Several gzip members one after another are one gzip too: that is unpacked, since many a client reads the first
    /// alone.
    /// - Throws: What lanes throw, and ``ServiceError/outOfMemory(_:)``.
    func sized(_ object: StoredObject, _ level: ServedLevel, _ place: ChunkPlace) async throws
        -> (object: StoredObject, fault: String?)
    {
        switch ShownSize(object, level, place) {
        case .right: return (object, nil)
        case .wrong(let fault): return (object, fault)
        case .lastMember(let count, let expected):
            guard expected <= limits.sourceObjectBytes else {
                return (object, ShownSize.fault(count, expected))
            }
            return try await workers.run {
                do throws(InflateError) {
                    let plain = try WholeGzip.inflate(object.bytes, limit: expected)
                    return (
                        StoredObject(bytes: plain, coding: .identity, version: object.version),
                        ShownSize.fault(plain.count, expected)
                    )
                } catch .outOfMemory {
                    throw ServiceError.outOfMemory(expected)
                } catch {
                    return (object, error.message)
                }
            }
        }
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
        let shard = ShardKey(volume: volume.id, level: level.index, file: file, minishard: at.minishard)
        for _ in 0..<Self.shardTries {
            let wasKnown = indices.value(shard) != nil
            guard let minishard = try await minishardIndex(volume, shard, at, sharding),
                let range = minishard.index.byteRange(of: at.chunkID)
            else { return nil }
            // No chunk of any encoding is empty, and a range of no bytes cannot be asked for.
            let limit = byteLimit(level, place)
            guard (1...limit).contains(range.count) else {
                throw ChunkReading.broken(
                    level.name(place),
                    "its shard says that it has \(range.count) bytes, and 1 to \(limit) can be right"
                )
            }
            do {
                guard let object = try await volume.origin.range(file, range) else {
                    throw ChunkReading.broken(level.name(place), "its shard is gone")
                }
                if minishard.isOf(object.version) {
                    let coding: StoredObject.Coding = sharding.dataPacking == .gzip ? .gzip : .identity
                    return StoredObject(bytes: object.bytes, coding: coding, version: object.version)
                }
            } catch OriginError.tooShort where wasKnown {
                // The new one is shorter.
            }
            // Replaced since its index was read, which says nothing of the new one.
            indices.remove(shard)
        }
        throw ChunkReading.broken(level.name(place), "its shard: \(Self.replacedEachTime)")
    }

    /// The index of a minishard; `nil`: there is no such shard, or it is empty.
    private func minishardIndex(
        _ volume: ServedVolume,
        _ key: ShardKey,
        _ at: ShardPlace,
        _ sharding: ShardingSpec
    ) async throws -> ReadMinishard? {
        if let known = indices.value(key) { return known }
        return try await indexLoads.join(key) { [self] in
            let read = try await readMinishardIndex(volume, key.file, at, sharding)
            if let read { indices.put(key, read, cost: read.index.count * 32 + key.file.utf8.count) }
            return read
        }
    }

    private func readMinishardIndex(
        _ volume: ServedVolume,
        _ file: String,
        _ at: ShardPlace,
        _ sharding: ShardingSpec
    ) async throws -> ReadMinishard? {
        do {
            for _ in 0..<Self.shardTries {
                guard
                    let entry = try await volume.origin.range(
                        file,
                        sharding.shardIndexByteRange(minishard: at.minishard)
                    ),
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
                // Replaced between the two: where the old one says, the new one has something else.
                if let old = entry.version, let new = packed.version, old != new { continue }
                return try await workers.run {
                    let bytes =
                        sharding.minishardIndexPacking == .gzip
                        ? try WholeGzip.inflate(packed.bytes, limit: limit) : packed.bytes
                    let index = try MinishardIndex(bytes.span, spec: sharding, limit: Self.indexChunks)
                    return ReadMinishard(index: index, version: packed.version)
                }
            }
        } catch let error as InflateError {
            throw ChunkReading.broken(file, "an index of it: \(error.message)")
        } catch let error as ShardError {
            throw ChunkReading.broken(file, error.message)
        }
        throw ChunkReading.broken(file, Self.replacedEachTime)
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

/// What the size of a stored chunk shows without inflating it. A chunk of `raw` has one right size; the last four bytes of
/// a gzip member tell what it holds.
private enum ShownSize {
    /// Or there is nothing to be told: other encodings have no one size.
    case right
    case wrong(String)
    /// A gzip whose last member holds another count than is right, so it may have several.
    case lastMember(holds: Int, expected: Int)

    init(_ object: StoredObject, _ level: ServedLevel, _ place: ChunkPlace) {
        self = .right
        guard let format = level.format, format.encoding == .raw,
            let expected = format.voxelByteCount(level.grids[place.grid].box(place.cell).extent)
        else { return }
        guard object.coding == .gzip else {
            if let fault = Self.fault(object.bytes.count, expected) { self = .wrong(fault) }
            return
        }
        guard object.bytes.count >= 18 else {
            self = .wrong("it is no gzip")
            return
        }
        let last = object.bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        if last != expected & 0xffff_ffff { self = .lastMember(holds: last, expected: expected) }
    }

    /// What is wrong with so many bytes; nil: nothing.
    static func fault(_ count: Int, _ expected: Int) -> String? {
        count == expected ? nil : "it has \(count) bytes where \(expected) are right"
    }
}
