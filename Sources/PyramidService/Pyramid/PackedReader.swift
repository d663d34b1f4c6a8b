// SPDX-License-Identifier: Apache-2.0
//
// Rules
// - Inside of `readingAhead` a task of the same actor reads while lanes inflate; outside, a piece is read when one is
//   wanted and none is there.
// - What was read before a failure is handed out before the failure is.
// - No read is under way when `readingAhead` returns, so the request may be answered.

/// Reads a compressed body in pieces, ahead of who inflates them.
final class PackedReader {
    static let pieceByteCount = 128 << 10
    /// A slab of grey values needs about two.
    static let mostPieces = 4

    let pieces = PackedPieces()
    private let source: any ByteSource
    private let buffers: BufferPool
    private var slots: [PooledBuffer] = []
    private var isAtEnd = false
    private var failure: (any Error)?
    private var isReadingAhead = false
    private var isStopped = false
    private var awaitingRoom: CheckedContinuation<Void, Never>?
    private var awaitingPiece: CheckedContinuation<Void, Never>?

    /// - Throws: ``ServiceError`` when there is no memory.
    init(_ source: any ByteSource, _ buffers: BufferPool) throws(ServiceError) {
        self.source = source
        self.buffers = buffers
        try addSlots(upTo: 1)
    }

    /// Waits until there is a piece to inflate; false at the end.
    /// - Throws: What the source threw.
    func awaitPiece() async throws -> Bool {
        while pieces.isEmpty {
            if let failure { throw failure }
            if isAtEnd { return false }
            if isReadingAhead {
                await withCheckedContinuation { awaitingPiece = $0 }
            } else if let slot = pieces.takeFreeSlot() {
                await read(into: slot)
            }
        }
        return true
    }

    /// To be called when pieces may have been taken.
    func roomWasMade() { resume(&awaitingRoom) }

    /// Reads ahead while `work` runs. Without an actor to share, nothing is read ahead.
    func readingAhead<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async throws -> Result {
        guard isolation != nil, !isAtEnd, failure == nil else { return try await work() }
        try addSlots(upTo: Self.mostPieces)
        isReadingAhead = true
        return try await withThrowingTaskGroup(of: Void.self) { group in
            // The library's closures stay on the caller's actor only if they capture it.
            _ = isolation
            group.addImmediateTask {
                _ = isolation
                await self.readOn()
            }
            defer { stop() }
            return try await work()
        }
    }

    private func stop() {
        isStopped = true
        source.endRead()
        roomWasMade()
    }

    private func readOn() async {
        while !isAtEnd, !isStopped, failure == nil {
            if let slot = pieces.takeFreeSlot() {
                await read(into: slot)
                resume(&awaitingPiece)
            } else {
                await withCheckedContinuation { awaitingRoom = $0 }
            }
        }
        isReadingAhead = false
        resume(&awaitingPiece)
    }

    private func read(into slot: Int) async {
        let memory = slots[slot].memory
        do {
            let count = try await source.read(into: memory)
            isAtEnd = count < memory.count
            guard count > 0 else { return pieces.giveBack(slot: slot) }
            pieces.append(slot: slot, Lent(UnsafeMutableRawBufferPointer(rebasing: memory[..<count])))
        } catch {
            failure = error
            pieces.giveBack(slot: slot)
        }
    }

    private func addSlots(upTo count: Int) throws(ServiceError) {
        let first = slots.count
        while slots.count < count {
            let slot = try buffers.take(Self.pieceByteCount)
            slots.append(slot)
        }
        pieces.add(freeSlots: first..<slots.count)
    }

    private func resume(_ waiting: inout CheckedContinuation<Void, Never>?) {
        let continuation = waiting
        waiting = nil
        continuation?.resume()
    }
}
