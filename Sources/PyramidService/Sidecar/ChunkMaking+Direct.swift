// SPDX-License-Identifier: Apache-2.0
import Origins
import Synchronization
import UV
import Workers

/// Making a chunk in one piece of work, which whoever asks for it puts in line by itself.
///
/// For a chunk of a few hundred kilobytes a change of thread costs as much as a twentieth of the work, and where cores
/// are idle much of that is waiting. So where nothing has to be waited for there are two, to a lane and back: it looks
/// for the kept chunk, reads the parents, reduces, encodes and packs them.
extension ChunkMaking {
    /// Makes the chunk, or joins whoever makes it; nil where memory, or the kept chunk, has to be waited for first.
    ///
    /// - Returns: The chunk in whichever coding, and whether that is the best there is for `coding`.
    /// - Throws: As ``make(_:_:)``; ``OutOfPatience``.
    func direct(_ coding: StoredObject.Coding, within patience: Patience) async throws
        -> (chunk: EncodedChunk, isAsWanted: Bool)?
    {
        let cost = MakingCost(supply, volume)
        guard volume.store?.mustKeep != true, let ready = ReadyParents(volume, base, supply.counters),
            cost.isSurelyWithin(level.index, place)
        else { return nil }
        let (price, hands) = price(cost)
        guard supply.admission.enterAtOnce(price: price) else { return nil }
        let memory = HeldMemory(supply.admission, price)
        let packed = PackedAlong()
        let chunk = try await supply.loads.join(volume.key(level.index, place, .identity), within: patience) {
            begin(
                Direct(work: $0, ready: ready, memory: memory, hands: hands, coding: coding, packed: packed)
            )
        } joined: {
            memory.leave()
        }
        if let packed = packed.chunk { return (packed, true) }
        return (chunk, chunk.coding == coding)
    }

    /// A chunk that is made so, and what goes with it.
    private struct Direct: Sendable {
        let work: FlightWork<EncodedChunk>
        let ready: ReadyParents
        let memory: HeldMemory
        let hands: Int
        let coding: StoredObject.Coding
        let packed: PackedAlong

        func land(_ outcome: Result<EncodedChunk, any Error>) {
            memory.leave()
            work.land(outcome)
        }
    }

    private func begin(_ direct: Direct) {
        let (ticket, flag) = (WorkTicket(), CancellationFlag())
        direct.work.onCancel { [supply] in
            flag.cancel()
            supply.workers.withdraw(ticket)
        }
        supply.workers.start(ticket) { refusal in
            if let refusal { return direct.land(.failure(refusal)) }
            do {
                if let chunk = try made(direct, flag) { direct.land(.success(chunk)) }
            } catch {
                direct.land(.failure(error))
            }
        }
    }

    /// The chunk, made on this lane; nil if a task goes on with it, because something has to be waited for.
    private func made(_ direct: Direct, _ flag: CancellationFlag) throws -> EncodedChunk? {
        guard !flag.isCancelled else { throw CancellationError() }
        // Somebody may have been done between the look into memory and here.
        if let chunk = supply.inMemory(volume, level.index, place) { return chunk }
        let key = level.objectKey(place)
        switch supply.readyKept(volume, level.index, place) {
        case .chunk(let chunk): return chunk
        case .absent where supply.keeping.hasRoom: break
        case .absent, .notReady:
            goOn(direct, nil)
            return nil
        }
        let begun = try begun(direct.ready, flag)
        guard case .made(let chunk) = begun else {
            goOn(direct, begun)
            return nil
        }
        supply.counters.made()
        supply.remember(chunk, volume, level.index, place)
        if direct.coding == .gzip {
            direct.packed.chunk = supply.packedAlong(chunk, volume, level.index, place)
        }
        supply.keeping.keepAtOnce(chunk, volume, key)
        return chunk
    }

    private func goOn(_ direct: Direct, _ begun: Begun?) {
        direct.work.goOn {
            defer { direct.memory.leave() }
            if begun == nil, let chunk = try await supply.atHand(volume, level.index, place) { return chunk }
            let chunk = try await make(MakingChain(spareHands: direct.hands - 1), begun)
            supply.remember(chunk, volume, level.index, place)
            return chunk
        }
    }
}

/// Memory that was set aside, given back once.
private final class HeldMemory: Sendable {
    private let admission: Admission
    private let price: Int
    private let isGone = Atomic<Bool>(false)

    init(_ admission: Admission, _ price: Int) {
        self.admission = admission
        self.price = price
    }

    deinit { leave() }

    func leave() {
        if !isGone.exchange(true, ordering: .acquiringAndReleasing) { admission.leave(price: price) }
    }
}

/// The packed chunk, for the one who wanted it.
private final class PackedAlong: Sendable {
    private let state = Mutex<EncodedChunk?>(nil)

    var chunk: EncodedChunk? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
