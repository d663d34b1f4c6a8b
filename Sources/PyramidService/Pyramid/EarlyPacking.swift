// SPDX-License-Identifier: Apache-2.0
package import ChunkCodecs
package import Downsampling
import Synchronization
import Voxels

/// Compresses blocks of an answer's levels as soon as their voxels are final, before the answer begins.
///
/// Each lane that has reduced a slab compresses a few blocks behind it. Blocks look back at nothing, so it does not
/// matter which of them are there when the answer is written: ``GzipSink`` makes the others. The answer inflates to the
/// same bytes either way; ISA-L was once seen to pack a block into a byte more or less beside other work.
///
/// What is held is bounded by ``budget(_:)``, which is part of the request's price: a block is begun only if the most
/// that it can become still fits.
package final class EarlyPacking: Sendable {
    /// A lane makes so many behind a slab: the next slab waits for it.
    private static let blocksBehindSlab = 2
    private static let blockByteCount = GzipBlockEncoder.blockByteCount

    private struct State {
        /// Bytes of each level, by its mip, whose blocks are made or begun.
        var begun: [Int: Int] = [:]
        /// By the address of their voxels.
        var blocks: [UInt: CompressedBlock] = [:]
        /// Bytes of `blocks`, and the bounds of those that are being made.
        var heldBytes = 0
    }

    private let engine: PyramidEngine
    private let encoder = GzipBlockEncoder()
    private let budget: Int
    private let state = Mutex(State())

    /// Works for `engine`, whose levels it reads as far as they are final.
    package init(_ engine: PyramidEngine) {
        self.engine = engine
        budget = Self.budget(engine.plan)
    }

    /// The most bytes that are held for a plan: a quarter of its answer, and room for one block at least.
    package static func budget(_ plan: PyramidPlan) -> Int {
        let answer = plan.keptLevels.reduce(0) { $0.addingClamped($1.byteCount) }
        return max(answer / 4, GzipBlockEncoder.outputBound(blockByteCount))
    }

    /// Bytes of blocks that are made and not yet taken, and the most that those being made can become.
    package var heldBytes: Int { state.withLock { $0.heldBytes } }

    /// Compresses up to two blocks that are final and fit; to be called by a lane that has reduced a slab.
    package func pack() {
        for _ in 0..<Self.blocksBehindSlab {
            guard let (mip, range) = begin() else { return }
            let input = UnsafeRawBufferPointer(rebasing: engine.level(mip)[range])
            let address = UInt(bitPattern: input.baseAddress)
            let block = encoder.compress(input, isLast: false)
            state.withLock { state in
                state.heldBytes += block.bytes.count - GzipBlockEncoder.outputBound(range.count)
                state.blocks[address] = block
            }
        }
    }

    /// Hands out the block that was made of these voxels; nil: it was not made.
    package func take(_ voxels: UnsafeRawBufferPointer) -> CompressedBlock? {
        let address = UInt(bitPattern: voxels.baseAddress)
        let count = voxels.count
        return state.withLock { state in
            guard let block = state.blocks[address], block.inputCount == count else { return nil }
            state.blocks[address] = nil
            state.heldBytes -= block.bytes.count
            return block
        }
    }

    /// The CRC-32 of a level all of whose blocks are made and not yet taken; nil: some are missing.
    package func checksum(_ level: UnsafeRawBufferPointer) -> UInt32? {
        let base = UInt(bitPattern: level.baseAddress)
        let count = level.count
        return state.withLock { state in
            var crc: UInt32 = 0
            for offset in stride(from: 0, to: count, by: Self.blockByteCount) {
                guard let block = state.blocks[base + UInt(offset)] else { return nil }
                crc = CRC32.combine(crc, block.crc, lengthB: block.inputCount)
            }
            return crc
        }
    }

    /// The next block that is final, reserved for the caller.
    private func begin() -> (mip: Int, Range<Int>)? {
        state.withLock { state in
            for plan in engine.plan.keptLevels {
                let start = state.begun[plan.mip, default: 0]
                let end = min(start + Self.blockByteCount, plan.byteCount)
                guard start < end, engine.readyByteCount(mip: plan.mip) >= end else { continue }
                let bound = GzipBlockEncoder.outputBound(end - start)
                guard state.heldBytes + bound <= budget else { return nil }
                state.heldBytes += bound
                state.begun[plan.mip] = end
                return (plan.mip, start..<end)
            }
            return nil
        }
    }
}
