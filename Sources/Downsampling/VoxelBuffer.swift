// SPDX-License-Identifier: Apache-2.0
internal import CHost
internal import Synchronization

/// Memory for voxels: aligned for vectors, not filled with zeros, given back with the last reference.
///
/// `@unchecked Sendable`: the object only owns the memory; who writes where is decided by those who share it.
package final class VoxelBuffer: @unchecked Sendable {
    package let base: UnsafeMutableRawPointer
    package let byteCount: Int

    /// - Throws: ``EngineError/outOfMemory(_:)`` where the system has none to give.
    package init(byteCount: Int) throws(EngineError) {
        self.byteCount = byteCount
        if let spare = SpareMemory.shared.take(byteCount) {
            base = spare
            return
        }
        guard let base = chost_allocate(byteCount) else { throw .outOfMemory(byteCount) }
        self.base = base
    }

    deinit {
        if !SpareMemory.shared.keep(base, byteCount) { chost_free(base, byteCount) }
    }

    package var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }
}

/// A few blocks that were given back, for the next request of the same shape: the system fills new memory with zeros,
/// which costs as much as an average over it.
///
/// All state is behind the mutex; blocks are plain addresses there, owned by nobody else.
final class SpareMemory: Sendable {
    static let shared = SpareMemory(byteLimit: 512 << 20)

    /// Blocks below this are the allocator's own affair.
    private static let leastByteCount = 256 << 10
    private static let largeByteCount = 4 << 20

    private struct Block {
        let address: UInt
        let byteCount: Int
    }

    private struct State {
        /// Oldest first.
        var blocks: [Block] = []
        var byteLimit: Int

        /// Takes the oldest blocks out until the rest is within the limit.
        mutating func dropped() -> ArraySlice<Block> {
            var total = blocks.reduce(0) { $0 + $1.byteCount }
            var count = 0
            while total > byteLimit {
                total -= blocks[count].byteCount
                count += 1
            }
            defer { blocks.removeFirst(count) }
            return blocks[..<count]
        }
    }

    private let state: Mutex<State>

    init(byteLimit: Int) { state = Mutex(State(byteLimit: byteLimit)) }

    /// A block of exactly this size, if there is one. If there is none, a large request takes the place of what is
    /// kept: spare memory never adds to the peak of a new shape.
    func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount >= SpareMemory.leastByteCount else { return nil }
        let found = state.withLock { state -> UnsafeMutableRawPointer? in
            guard let index = state.blocks.lastIndex(where: { $0.byteCount == byteCount }) else { return nil }
            return UnsafeMutableRawPointer(bitPattern: state.blocks.remove(at: index).address)
        }
        if found == nil, byteCount >= SpareMemory.largeByteCount { empty() }
        return found
    }

    /// Keeps the block if it is of a size worth keeping, at the cost of the oldest ones.
    func keep(_ base: UnsafeMutableRawPointer, _ byteCount: Int) -> Bool {
        guard byteCount >= SpareMemory.leastByteCount else { return false }
        let dropped = state.withLock { state -> ArraySlice<Block>? in
            guard byteCount <= state.byteLimit else { return nil }
            state.blocks.append(Block(address: UInt(bitPattern: base), byteCount: byteCount))
            return state.dropped()
        }
        guard let dropped else { return false }
        free(dropped)
        return true
    }

    /// From now on keeps at most so many bytes, and gives the oldest blocks back until that is true.
    func limit(to byteCount: Int) {
        free(
            state.withLock { state in
                state.byteLimit = max(0, byteCount)
                return state.dropped()
            }
        )
    }

    /// Gives everything back to the system.
    func empty() {
        free(
            state.withLock { state in
                defer { state.blocks = [] }
                return state.blocks[...]
            }
        )
    }

    private func free(_ blocks: ArraySlice<Block>) {
        for block in blocks {
            chost_free(UnsafeMutableRawPointer(bitPattern: block.address), block.byteCount)
        }
    }
}

extension VoxelBuffer {
    /// Keeps at most so many bytes for the next request, from now on; 512 MiB before the first call. For a service
    /// that counts what its requests hold.
    package static func limitSpareMemory(to byteCount: Int) { SpareMemory.shared.limit(to: byteCount) }

    /// Gives back to the system what is kept for the next request; for a service that has gone quiet.
    package static func releaseSpareMemory() { SpareMemory.shared.empty() }
}
