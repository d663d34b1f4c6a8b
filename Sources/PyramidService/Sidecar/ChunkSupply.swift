// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
package import Configuration
package import Logging
import Origins
import Volumes
import Voxels
package import Workers

/// Supplies the chunks of all volumes: from memory, from where they are kept, from their source, or made anew.
///
/// Whatever is not in memory is fetched or made once, however many ask for it at the same time.
package final class ChunkSupply: Sendable {
    package let cache: ObjectCache<ChunkKey, EncodedChunk>
    let workers: WorkerPool
    let admission: Admission
    /// The memory of chunks that are passed on: on their way from a source, and packed another way. Whoever holds it may
    /// wait for ``admission``, and never the other way round.
    let passing: Admission
    let limits: Configuration.Limits
    let timeouts: Configuration.Timeouts
    let keeping: ChunkKeeping
    let indices: ObjectCache<ShardKey, ReadMinishard>
    let logger: Logger
    package let counters = SidecarCounters()

    /// Made chunks that were asked for by themselves, which wait for memory.
    private let asked = Flights<ChunkKey, EncodedChunk>()
    /// Chunks on their way. None of these waits for memory: whoever begins or joins one has paid for it, so that
    /// nobody who holds memory waits for somebody who wants some.
    let loads = Flights<ChunkKey, EncodedChunk>()
    /// Chunks that are made again; apart from `loads`, where somebody may just be given the broken one.
    private let mendings = Flights<ChunkKey, EncodedChunk>()
    private let packings = Flights<ChunkKey, EncodedChunk>()
    private let patience: Patience
    let indexLoads = Flights<ShardKey, ReadMinishard?>()

    /// Bytes of shard indices in memory.
    private static let indexBytes = 32 << 20
    /// Chunks that one minishard may list.
    static let indexChunks = 1 << 20

    package init(
        configuration: Configuration,
        workers: WorkerPool,
        admission: Admission,
        logger: Logger
    ) {
        cache = ObjectCache(budget: configuration.cache.memory)
        indices = ObjectCache(budget: Self.indexBytes)
        self.workers = workers
        self.admission = admission
        passing = Admission(
            budget: admission.budget / 4,
            name: "a quarter of limits.memory",
            maxRunning: .max,
            maxWaiting: configuration.limits.connections,
            wait: configuration.timeouts.memoryWait
        )
        limits = configuration.limits
        timeouts = configuration.timeouts
        patience = Patience(configuration.timeouts.chunk)
        self.logger = logger
        keeping = ChunkKeeping(logger: logger, counters: counters)
    }

    /// The chunk if it is in memory in this coding: no waiting, no leaving of the loop.
    func cached(
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ coding: AnswerCoding
    ) -> EncodedChunk? {
        cache.value(volume.key(level, place, coding == .gzip ? .gzip : .identity))
    }

    /// Returns a chunk in the coding that is wanted; in none where gzip is wanted and not worth it.
    ///
    /// - Throws: ``ServiceError``; ``ServiceError/overloaded(limit:_:)`` when it is not there in time.
    func chunk(
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ coding: AnswerCoding
    ) async throws -> EncodedChunk {
        let wanted: StoredObject.Coding = coding == .gzip ? .gzip : .identity
        let key = volume.key(level, place, wanted)
        if let chunk = cache.value(key) { return chunk }
        let direct = try await direct(volume, level, place, wanted)
        if let direct, direct.isAsWanted { return direct.chunk }
        let limit = timeouts.chunk
        return try await withThrowingTaskGroup(of: EncodedChunk.self) { group in
            group.addTask {
                try await self.packed(direct?.chunk, volume, level, place, wanted)
            }
            group.addTask { [self] in
                try await Task.sleep(for: limit)
                throw late
            }
            defer { group.cancelAll() }
            guard let chunk = try await group.next() else { throw CancellationError() }
            return chunk
        }
    }

    /// The chunk of a made level, made or waited for without a detour, in whichever coding; nil where that cannot be.
    private func direct(
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ wanted: StoredObject.Coding
    ) async throws -> (chunk: EncodedChunk, isAsWanted: Bool)? {
        guard case .made(let rule) = volume.levels[level].provider, inMemory(volume, level, place) == nil
        else { return nil }
        do {
            return try await ChunkMaking(self, volume, level, rule, place).direct(wanted, within: patience)
        } catch is OutOfPatience {
            throw late
        }
    }

    private var late: ServiceError {
        .overloaded(
            limit: "timeouts.chunk",
            "This chunk was not made within \(TimeSpan.text(timeouts.chunk)); what was made on the way is kept."
        )
    }

    /// Returns a chunk as it is stored, or as it was made: in whichever coding.
    ///
    /// `chain`: Of the admitted work that this is a part of, for which what is kept was looked for already. Nil: by
    /// itself, so a chunk that must be made is made when there is memory for it.
    func stored(
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ chain: MakingChain?
    ) async throws -> EncodedChunk {
        if let chunk = inMemory(volume, level, place) { return chunk }
        let key = volume.key(level, place, .identity)
        if chain == nil, case .made(let rule) = volume.levels[level].provider {
            return try await asked.join(key) { [self] in
                if let chunk = try await atHand(volume, level, place) { return chunk }
                return try await ChunkMaking(self, volume, level, rule, place).makeAdmitted()
            }
        }
        return try await loads.join(key) { [self] in
            // Somebody may have been done between the look above and here, and memory may be none.
            if let chunk = inMemory(volume, level, place) { return chunk }
            if let chunk = keeping.pending(volume, volume.levels[level].objectKey(place)) { return chunk }
            let chunk = try await load(volume, level, place, chain)
            remember(chunk, volume, level, place)
            return chunk
        }
    }

    /// The chunk if it is at hand without being made, in whichever coding; `nil` for a made level's chunk that is not.
    func atHand(_ volume: ServedVolume, _ level: Int, _ place: ChunkPlace) async throws -> EncodedChunk? {
        if let chunk = inMemory(volume, level, place) { return chunk }
        guard volume.levels[level].isMade else { return try await stored(volume, level, place, nil) }
        guard let chunk = try await kept(volume, level, place) else { return nil }
        remember(chunk, volume, level, place)
        return chunk
    }

    /// Puts a chunk where the next one who asks finds it.
    func remember(_ chunk: EncodedChunk, _ volume: ServedVolume, _ level: Int, _ place: ChunkPlace) {
        cache.put(volume.key(level, place, chunk.coding), chunk, cost: chunk.bytes.count)
    }

    func inMemory(_ volume: ServedVolume, _ level: Int, _ place: ChunkPlace) -> EncodedChunk? {
        cache.value(volume.key(level, place, .identity))
            ?? cache.value(volume.key(level, place, .gzip)).flatMap { $0.coding == .gzip ? $0 : nil }
    }

    private func load(
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ chain: MakingChain?
    ) async throws -> EncodedChunk {
        switch volume.levels[level].provider {
        case .stored(let scale):
            if let chunk = try await sourceChunk(volume, level, place, scale) { return chunk }
            return try await emptyChunk(volume, level, place)
        case .made(let rule):
            let chain = chain ?? MakingChain(spareHands: 0)
            return try await ChunkMaking(self, volume, level, rule, place).make(chain)
        }
    }

    /// What came of looking for a kept chunk on a lane.
    enum ReadyKept {
        case chunk(EncodedChunk)
        case absent
        /// It has to be waited for, or is damaged.
        case notReady
    }

    /// What an earlier request made, if it takes no waiting. For a lane.
    func readyKept(_ volume: ServedVolume, _ level: Int, _ place: ChunkPlace) -> ReadyKept {
        guard let store = volume.store else { return .absent }
        let key = volume.levels[level].objectKey(place)
        if let chunk = keeping.pending(volume, key) { return .chunk(chunk) }
        switch store.readyObject(key, limit: limits.sourceObjectBytes) {
        case .absent: return .absent
        case .notReady: return .notReady
        case .object(let object):
            // No chunk of any encoding is empty.
            guard !object.bytes.isEmpty, hasRightSize(object, volume.levels[level], place) else {
                return .notReady
            }
            let chunk = EncodedChunk(object.bytes, object.coding, fingerprint: volume.fingerprint)
            remember(chunk, volume, level, place)
            return .chunk(chunk)
        }
    }

    /// What an earlier request made.
    private func kept(_ volume: ServedVolume, _ level: Int, _ place: ChunkPlace) async throws -> EncodedChunk?
    {
        guard let store = volume.store else { return nil }
        let key = volume.levels[level].objectKey(place)
        if let chunk = keeping.pending(volume, key) { return chunk }
        let object: StoredObject
        do {
            guard let found = try await store.object(key, limit: limits.sourceObjectBytes) else { return nil }
            object = found
        } catch OriginError.cancelled {
            throw CancellationError()
        } catch let error as OriginError where error.isOverload || error == .stopped {
            throw ServiceError(error, reading: volume.levels[level].name(place), of: volume)
        } catch {
            // What cannot be read back is made again.
            warnOfDamage(volume, key, "\(error)")
            return nil
        }
        let (sized, fault) = try await sized(object, volume.levels[level], place)
        // No chunk of any encoding is empty.
        if let fault = object.bytes.isEmpty ? "it is empty" : fault {
            warnOfDamage(volume, key, fault)
            return nil
        }
        return EncodedChunk(sized.bytes, sized.coding, fingerprint: volume.fingerprint)
    }

    private func warnOfDamage(_ volume: ServedVolume, _ key: String, _ reason: String) {
        logger.warning(
            "a kept chunk cannot be read, and is made again",
            metadata: ["volume": "\(volume.name)", "key": "\(key)", "reason": "\(reason)"]
        )
    }

    /// Makes a chunk of a made level whatever is kept of it, which turned out to be broken, and has it kept instead.
    func madeAgain(
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ chain: MakingChain,
        reason: String
    ) async throws -> EncodedChunk {
        let key = volume.key(level, place, .identity)
        return try await mendings.join(key) { [self] in
            warnOfDamage(volume, volume.levels[level].objectKey(place), reason)
            cache.remove(key)
            cache.remove(volume.key(level, place, .gzip))
            let chunk = try await load(volume, level, place, chain)
            remember(chunk, volume, level, place)
            return chunk
        }
    }

    /// Zeros, for a chunk that the source does not have. cloud-volume takes a 404 for an error.
    private func emptyChunk(
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace
    ) async throws -> EncodedChunk {
        let served = volume.levels[level]
        guard let format = served.format else {
            throw ServiceError.notFound(
                "The source does not have the chunk \(served.name(place)), and no empty one can be written as "
                    + "\(served.scale.encoding.rawValue)."
            )
        }
        let extent = served.grids[place.grid].box(place.cell).extent
        // Nobody set memory aside for it, and a few words of `info` can name a chunk of any size.
        let limit = limits.sourceObjectBytes
        guard let byteCount = format.voxelByteCount(extent), byteCount <= limit else {
            throw ServiceError.overLimit(
                limit: "limits.source_object_bytes",
                "The source does not have the chunk \(served.name(place)), and the zeros in its place would be more "
                    + "than \(limit) bytes."
            )
        }
        let (fingerprint, name) = (volume.fingerprint, served.name(place))
        return try await workers.run {
            let voxels = try BoxVoxels(
                Box3(begin: Extent3(repeating: 0), end: extent),
                channels: format.channels,
                width: format.type.byteWidth
            )
            voxels.clear()
            do throws(ChunkCodecError) {
                let bytes = try format.encode(UnsafeRawBufferPointer(voxels.bytes), extent: extent)
                return EncodedChunk(bytes, .identity, fingerprint: fingerprint)
            } catch .outOfMemory {
                throw ServiceError.outOfMemory(byteCount)
            } catch {
                // Chunks that no writer could have made: the source's info asks for them.
                throw ServiceError.badGateway(
                    "The source does not have the chunk \(name), and no empty one can be written: \(error.message)."
                )
            }
        }
    }

    /// The chunk in the coding that is wanted, if it is worth it.
    ///
    /// `made`: The chunk, if it was made just now.
    private func packed(
        _ made: EncodedChunk?,
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ wanted: StoredObject.Coding
    ) async throws -> EncodedChunk {
        let key = volume.key(level, place, wanted)
        if let packed = cache.value(key) { return packed }
        return try await packings.join(key) { [self] in
            let price = passingPrice(volume, level, place, wanted)
            try await passing.enter(price: price, for: .passing)
            defer { passing.leave(price: price) }
            let chunk = if let made { made } else { try await stored(volume, level, place, nil) }
            if chunk.coding == wanted { return chunk }
            let (limit, name) = (limits.sourceObjectBytes, volume.levels[level].name(place))
            let packed = try await workers.run {
                wanted == .gzip
                    ? chunk.packed(volume.fingerprint)
                    : try chunk.unpacked(volume.fingerprint, name, limit: limit)
            }
            cache.put(key, packed, cost: packed.bytes.count)
            return packed
        }
    }

    /// Memory for a chunk on its way through: as it is stored, and in the other coding if that may be needed. A chunk of
    /// more than there is goes when no other is under way.
    private func passingPrice(
        _ volume: ServedVolume,
        _ level: Int,
        _ place: ChunkPlace,
        _ wanted: StoredObject.Coding
    ) -> Int {
        let served = volume.levels[level]
        // An encoding that is not read here makes voxels smaller; a source that lies pays for it no more than once.
        let byteCount =
            served.format == nil
            ? min(MakingCost(self, volume).chunkBytes(served), limits.sourceObjectBytes)
            : byteLimit(served, place)
        // The bound of a picture is many times what it ever has.
        let codings = !served.isCompressible || served.isMade && wanted == .identity ? 1 : 2
        return min(byteCount.multipliedClamped(by: codings), passing.budget)
    }

    /// The chunk in gzip where that is worth it, made on the lane that has made the chunk.
    func packedAlong(_ chunk: EncodedChunk, _ volume: ServedVolume, _ level: Int, _ place: ChunkPlace)
        -> EncodedChunk
    {
        let packed = chunk.packed(volume.fingerprint)
        cache.put(volume.key(level, place, .gzip), packed, cost: packed.bytes.count)
        return packed
    }
}

extension EncodedChunk {
    /// The same in gzip; itself if that would not save at least a twentieth. For a lane.
    fileprivate func packed(_ fingerprint: String) -> EncodedChunk {
        let packed = bytes.withUnsafeBytes { WholeGzip.deflate($0) }
        guard packed.count < bytes.count - bytes.count / 20 else { return self }
        return EncodedChunk(packed, .gzip, fingerprint: fingerprint)
    }

    /// The same in no coding. For a lane.
    /// - Throws: ``ServiceError/badGateway(_:)`` with `name` when it cannot be inflated, ``InflateError/outOfMemory``.
    fileprivate func unpacked(_ fingerprint: String, _ name: String, limit: Int) throws -> EncodedChunk {
        do throws(InflateError) {
            let plain = try WholeGzip.inflate(bytes, limit: limit)
            return EncodedChunk(plain, .identity, fingerprint: fingerprint)
        } catch .outOfMemory {
            throw InflateError.outOfMemory
        } catch {
            throw ChunkReading.broken(name, error.message)
        }
    }
}
