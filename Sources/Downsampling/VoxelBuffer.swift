// SPDX-License-Identifier: Apache-2.0
internal import CHost

/// Memory for voxels: aligned for vectors, not filled with zeros, given back with the last reference.
///
/// `@unchecked Sendable`: the object only owns the memory; who writes where is decided by those who share it.
package final class VoxelBuffer: @unchecked Sendable {
    package let base: UnsafeMutableRawPointer
    package let byteCount: Int

    /// - Throws: ``EngineError/outOfMemory(_:)`` where the system has none to give.
    package init(byteCount: Int) throws(EngineError) {
        guard let base = chost_allocate(byteCount) else { throw .outOfMemory(byteCount) }
        self.base = base
        self.byteCount = byteCount
    }

    deinit { chost_free(base, byteCount) }

    package var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }
}
