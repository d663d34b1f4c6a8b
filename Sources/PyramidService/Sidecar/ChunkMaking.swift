// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import Origins
import UV
import Volumes
import Voxels
import Workers

/// Makes one chunk of a level that its source does not have, from the level below, and has it kept.
///
/// Source: `docs/semantics.md` section 10: parents are taken as they are kept, in their encoding, so that a chunk
/// is the same whichever way and in whatever order chunks are made.
struct ChunkMaking: Sendable {
    /// Parents that are looked up at a time.
    private static let lookUpWidth = 16

    let supply: ChunkSupply
    let volume: ServedVolume
    let level: ServedLevel
    let base: ServedLevel
    private let rule: LevelRule
    let place: ChunkPlace
    private let box: Box3
    /// What of the base the chunk is made of.
    private let sourceBox: Box3

    init(_ supply: ChunkSupply, _ volume: ServedVolume, _ level: Int, _ rule: LevelRule, _ place: ChunkPlace)
    {
        self.supply = supply
        self.volume = volume
        self.level = volume.levels[level]
        self.rule = rule
        self.place = place
        base = volume.levels[rule.base]
        box = volume.levels[level].grids[place.grid].box(place.cell)
        sourceBox = rule.sourceBox(of: box, in: volume.levels[rule.base].bounds)
    }

    /// Makes the chunk when its work is within the limits and there is memory for it.
    ///
    /// `fault`: What is wrong with the one that is kept, if it is not to be taken.
    func makeAdmitted(again fault: String? = nil) async throws -> EncodedChunk {
        let cost = MakingCost(supply, volume)
        try await cost.check(level.index, place)
        let (price, hands) = price(cost)
        guard price <= supply.admission.budget else {
            throw ServiceError.overloaded(
                limit: "limits.memory",
                "A chunk of this level needs \(price) bytes of memory to be made, and there are "
                    + "\(supply.admission.budget) for all."
            )
        }
        try await supply.admission.enter(price: price, for: .making)
        defer { supply.admission.leave(price: price) }
        let chain = MakingChain(spareHands: hands - 1)
        if let fault { return try await supply.madeAgain(volume, level.index, place, chain, reason: fault) }
        return try await supply.stored(volume, level.index, place, chain)
    }

    /// Memory for so many chunks of each level at a time.
    func price(_ cost: MakingCost) -> (price: Int, hands: Int) {
        let lanes = supply.workers.lanes
        let single = cost.byteCount(level.index)
        let hands = single.multipliedClamped(by: 1 + lanes) <= supply.admission.budget / 2 ? 1 + lanes : 1
        return (single.multipliedClamped(by: hands), hands)
    }

    /// Makes the chunk as a part of work that was admitted, and may have `begun`.
    func make(_ chain: MakingChain, _ begun: Begun? = nil) async throws -> EncodedChunk {
        let chunk: EncodedChunk
        let begun = if let begun { begun } else { try await self.begun() }
        switch begun {
        case .made(let made): chunk = made
        case .lacks(let places, let reduction):
            let parents = try await parents(places, chain)
            try Task.checkCancellation()
            do {
                chunk = try await onLane { flag in try completed(reduction, parents, flag) }
            } catch ServiceError.badGateway where base.isMade {
                let sound = try await mended(parents, chain)
                chunk = try await onLane { flag in try completed(nil, sound, flag) }
            }
        }
        supply.counters.made()
        try await supply.keeping.keep(chunk, volume, level.objectKey(place))
        return chunk
    }

    private typealias Parent = (place: ChunkPlace, box: Box3, chunk: EncodedChunk, name: String)

    /// How far a chunk is made of what is at hand.
    enum Begun: Sendable {
        case made(EncodedChunk)
        /// These parents are missing; nil: so are all.
        case lacks([ChunkPlace], ParentReduction?)
    }

    /// Makes the chunk of what the system has in memory of its source, in one piece of work on a lane.
    private func begun() async throws -> Begun {
        guard let ready = ReadyParents(volume, base, supply.counters) else { return .lacks(places(), nil) }
        return try await onLane { flag in try begun(ready, flag) }
    }

    /// The chunks of the base at `places`; those that are missing are made.
    private func parents(_ places: [ChunkPlace], _ chain: MakingChain) async throws -> [Parent] {
        var found: [Int: EncodedChunk] = [:]
        try await withThrowingTaskGroup(of: (Int, EncodedChunk?).self) { group in
            for (index, place) in places.enumerated() {
                if index >= Self.lookUpWidth, let (done, chunk) = try await group.next() {
                    found[done] = chunk
                }
                group.addTask { (index, try await supply.atHand(volume, base.index, place)) }
            }
            for try await (done, chunk) in group { found[done] = chunk }
        }
        try await withThrowingTaskGroup(of: (Int, EncodedChunk).self) { group in
            for (index, place) in places.enumerated() where found[index] == nil {
                if chain.take() {
                    group.addTask {
                        defer { chain.giveBack() }
                        return (index, try await supply.stored(volume, base.index, place, chain))
                    }
                } else {
                    found[index] = try await supply.stored(volume, base.index, place, chain)
                }
            }
            for try await (done, chunk) in group { found[done] = chunk }
        }
        return places.enumerated().compactMap { index, place in
            found[index].map { (place, base.grids[0].box(place.cell), $0, base.name(place)) }
        }
    }

    /// The same parents, of which those that were kept and cannot be decoded are made again, one after another.
    private func mended(_ parents: [Parent], _ chain: MakingChain) async throws -> [Parent] {
        guard let format = base.format else { throw unreadable }
        var mended = parents
        for (index, parent) in parents.enumerated() {
            let fault: String? = try await onLane { _ in
                do {
                    let voxels = try BoxVoxels(
                        parent.box,
                        channels: format.channels,
                        width: format.type.byteWidth
                    )
                    try ChunkReading.place(parent.chunk, parent.box, format, in: voxels, parent.name)
                    return nil
                } catch ServiceError.badGateway(let reason) {
                    return reason
                }
            }
            guard let fault else { continue }
            mended[index].chunk = try await supply.madeAgain(
                volume,
                base.index,
                parent.place,
                chain,
                reason: fault
            )
        }
        return mended
    }

    private func places() -> [ChunkPlace] {
        BoxPositions(base.grids[0].cells(covering: sourceBox)).map { ChunkPlace(cell: $0) }
    }

    // MARK: On a lane

    private func onLane<Value: Sendable>(
        _ work: @escaping @Sendable (CancellationFlag) throws -> Value
    ) async throws -> Value {
        let flag = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await supply.workers.run { try work(flag) }
        } onCancel: {
            flag.cancel()
        }
    }

    /// Makes the chunk of those parents that are ready.
    func begun(_ ready: ReadyParents, _ flag: CancellationFlag) throws -> Begun {
        let reduction = try reduction()
        let left = try ready.read(places(), isCancelled: { flag.isCancelled }) { content, box, name in
            try reduction.take(content, of: box, name) { flag.isCancelled }
        }
        guard left.isEmpty else { return .lacks(left, reduction) }
        return .made(try encoded(reduction, flag))
    }

    private func reduction() throws -> ParentReduction {
        guard let format = level.format, let baseFormat = base.format else { throw unreadable }
        return try ParentReduction(
            BoxReduction(rule: rule, type: format.type, channels: format.channels),
            LevelFormats(base: baseFormat, made: format),
            to: box,
            of: sourceBox,
            parents: places().map { base.grids[0].box($0.cell) }
        )
    }

    /// Takes the parents that were missing, and makes the chunk.
    private func completed(_ begun: ParentReduction?, _ parents: [Parent], _ flag: CancellationFlag) throws
        -> EncodedChunk
    {
        guard let baseFormat = base.format else { throw unreadable }
        let reduction = try begun ?? reduction()
        for parent in parents {
            guard !flag.isCancelled else { throw CancellationError() }
            try ChunkReading.withPlainBytes(of: parent.chunk, parent.box, baseFormat, parent.name) {
                try reduction.take(.encoded($0), of: parent.box, parent.name) { flag.isCancelled }
            }
        }
        return try encoded(reduction, flag)
    }

    private func encoded(_ reduction: ParentReduction, _ flag: CancellationFlag) throws -> EncodedChunk {
        let bytes = try reduction.encoded { flag.isCancelled }
        return EncodedChunk(bytes, .identity, fingerprint: volume.fingerprint)
    }

    private var unreadable: ServiceError {
        .internalFault("a level was planned from chunks that cannot be read")
    }
}
