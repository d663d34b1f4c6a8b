// SPDX-License-Identifier: Apache-2.0
package import Downsampling
package import UV
import Voxels
package import Workers

/// Reads slabs from a source and has them reduced, on lanes while the next ones arrive or where they are read.
///
/// A ring of buffers bounds what is held: slab `i` is read into the buffer of slab `i - ring` when that is done. On the
/// loop it is one buffer, so that reading and reducing find it in the cache: that costs the loop no more than to fill
/// new ones.
package struct SlabPipeline {
    /// Slabs above this are not waited with: one is read, each lane has one.
    private static let largeSlabByteCount = 4 << 20

    package let engine: PyramidEngine
    package let place: ReductionPlace
    package let isBigEndian: Bool
    /// Raised when nobody wants the pyramid any more.
    package let cancellation: CancellationFlag
    package let pool: WorkerPool
    package let buffers: BufferPool
    /// Compresses behind each slab, on a lane; nil: nothing is compressed before the answer.
    package let early: EarlyPacking?

    package init(
        engine: PyramidEngine,
        place: ReductionPlace,
        isBigEndian: Bool,
        cancellation: CancellationFlag,
        pool: WorkerPool,
        buffers: BufferPool,
        early: EarlyPacking? = nil
    ) {
        self.engine = engine
        self.place = place
        self.isBigEndian = isBigEndian
        self.cancellation = cancellation
        self.pool = pool
        self.buffers = buffers
        self.early = early
    }

    /// How many slabs of `plan` are held at a time: one for each lane, one that is read, and, if they are not large,
    /// one that waits.
    package static func ring(_ plan: PyramidPlan, _ place: ReductionPlace, lanes: Int) -> Int {
        if place == .loop { return 1 }
        let waiting = plan.slabByteCount > largeSlabByteCount ? 0 : 1
        return max(1, min(lanes + 1 + waiting, plan.slabCount))
    }

    /// Reduces the whole input; `slabDone` is called after each slab, in order.
    ///
    /// - Throws: ``ServiceError/body(_:)`` when the source has fewer or more bytes than the plan; whatever the
    ///   source, the engine and `slabDone` throw. No lane works on anything of this run then.
    package func run(_ source: any ByteSource, slabDone: (Int) async throws -> Void) async throws {
        let plan = engine.plan
        let ring = Self.ring(plan, place, lanes: pool.lanes)
        var slots: [PooledBuffer] = []
        for _ in 0..<ring { slots.append(try buffers.take(plan.slabByteCount)) }
        // Lanes hold plain pointers into them.
        defer { withExtendedLifetime(slots) {} }
        switch (place, early) {
        case (.loop, nil):
            for index in 0..<plan.slabCount {
                try reduction(index, try await read(index, from: source, into: slots[0]))()
                try await slabDone(index)
            }
        case (.loop, let early?):
            try await inOrder(plan.slabCount, width: pool.lanes + 1, on: pool) { index in
                try reduction(index, try await read(index, from: source, into: slots[0]))()
                return early.pack
            } take: { index, _ in
                try await slabDone(index)
            }
        case (.lanes, let early):
            try await inOrder(plan.slabCount, width: ring, on: pool) { index in
                let reduce = reduction(index, try await read(index, from: source, into: slots[index % ring]))
                return {
                    try reduce()
                    early?.pack()
                }
            } take: { index, _ in
                try await slabDone(index)
            }
        }
        try await expectEnd(source, scratch: slots[0])
    }

    private func read(
        _ index: Int,
        from source: any ByteSource,
        into slot: PooledBuffer
    ) async throws -> UnsafeMutableRawBufferPointer {
        let range = engine.plan.slabRange(index)
        let voxels = UnsafeMutableRawBufferPointer(rebasing: slot.memory[..<range.count])
        let count = try await source.read(into: voxels)
        guard count == range.count else {
            throw ServiceError.shortBody(
                expected: engine.plan.inputByteCount,
                received: range.lowerBound + count
            )
        }
        return voxels
    }

    private func reduction(_ index: Int, _ voxels: UnsafeMutableRawBufferPointer)
        -> @Sendable () throws -> Void
    {
        let lent = Lent(voxels)
        return { [engine, isBigEndian, cancellation] in
            if isBigEndian { swapBytes(of: lent.memory, width: engine.plan.spec.type.byteWidth) }
            try engine.reduce(slab: index, UnsafeRawBufferPointer(lent.memory)) { cancellation.isCancelled }
        }
    }

    private func expectEnd(_ source: any ByteSource, scratch: PooledBuffer) async throws {
        let extra = try await source.read(into: UnsafeMutableRawBufferPointer(rebasing: scratch.memory[..<1]))
        guard extra == 0 else { throw ServiceError.longBody(expected: engine.plan.inputByteCount) }
    }
}
