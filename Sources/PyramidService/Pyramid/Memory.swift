// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Memory that a lane works on while the loop waits for it.
///
/// `@unchecked Sendable`: whoever lends it awaits the lane before touching or freeing it.
struct Lent: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer

    init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    /// For lanes that only read.
    init(reading memory: UnsafeRawBufferPointer) {
        self.memory = UnsafeMutableRawBufferPointer(mutating: memory)
    }
}

/// Bytes at an address that stays, which a write can wait for.
///
/// `@unchecked Sendable`: never changed after `init`, freed with the last reference.
final class PinnedBytes: @unchecked Sendable {
    let memory: UnsafeRawBufferPointer

    init(_ bytes: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        copy.copyBytes(from: bytes)
        memory = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(copy)[..<bytes.count])
    }

    deinit { memory.baseAddress.map { UnsafeMutableRawPointer(mutating: $0).deallocate() } }
}

/// A block of memory from a ``BufferPool``, which it goes back to with the last reference.
final class PooledBuffer {
    let memory: UnsafeMutableRawBufferPointer
    private let pool: BufferPool

    fileprivate init(_ memory: UnsafeMutableRawBufferPointer, _ pool: BufferPool) {
        self.memory = memory
        self.pool = pool
    }

    deinit { pool.giveBack(Lent(memory)) }
}

/// Keeps some freed buffers, because fresh memory must be zeroed page by page before its first use.
package final class BufferPool: Sendable {
    private struct State {
        var free: [Lent] = []
        var freeBytes = 0
    }

    private let keptBytes: Int
    private let state = Mutex(State())

    /// Keeps at most `keptBytes` for later.
    package init(keptBytes: Int) { self.keptBytes = keptBytes }

    deinit { for buffer in state.withLock({ $0.free }) { free(buffer.memory.baseAddress) } }

    /// Returns `byteCount` bytes, not zeroed, at an address that is a multiple of 64.
    /// - Throws: ``ServiceError/outOfMemory(_:)``.
    func take(_ byteCount: Int) throws(ServiceError) -> PooledBuffer {
        let size = max(64, (byteCount + 63) & ~63)
        let kept: Lent? = state.withLock { state in
            // Much larger ones stay for those who need them.
            let fits: (Lent) -> Bool = { $0.memory.count >= size && $0.memory.count / 2 <= size }
            guard let index = state.free.lastIndex(where: fits) else { return nil }
            state.freeBytes -= state.free[index].memory.count
            return state.free.remove(at: index)
        }
        if let kept { return PooledBuffer(kept.memory, self) }
        var address: UnsafeMutableRawPointer?
        guard posix_memalign(&address, 64, size) == 0, let address else { throw .outOfMemory(byteCount) }
        return PooledBuffer(UnsafeMutableRawBufferPointer(start: address, count: size), self)
    }

    fileprivate func giveBack(_ buffer: Lent) {
        let isKept = state.withLock { state in
            guard state.freeBytes + buffer.memory.count <= keptBytes, state.free.count < 1_024 else {
                return false
            }
            state.free.append(buffer)
            state.freeBytes += buffer.memory.count
            return true
        }
        if !isKept { free(buffer.memory.baseAddress) }
    }
}
