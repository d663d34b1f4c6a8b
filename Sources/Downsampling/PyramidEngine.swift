// SPDX-License-Identifier: Apache-2.0

/// Why the engine stopped.
package enum EngineError: Error, Equatable, Sendable {
    case cancelled
    /// The memory for the levels, in bytes, could not be had.
    case outOfMemory(Int)
}

/// Makes a planned pyramid from slabs.
///
/// Slabs may be reduced on several lanes at once. A slab `i` may be begun only when all slabs up to
/// `i - slabsInFlight` are done: then memory stays what ``PyramidPlan/price(slabsInFlight:)`` says.
package final class PyramidEngine: @unchecked Sendable {
    package let plan: PyramidPlan

    /// Allocates the kept levels. They are not filled with zeros.
    package init(_ plan: PyramidPlan, slabsInFlight: Int) throws(EngineError) { fatalError("coming") }

    /// Reduces one slab: `voxels` are the bytes of ``PyramidPlan/slabRange(_:)``, native byte order.
    ///
    /// `isCancelled` is asked at least once a slab.
    package func reduce(
        slab index: Int,
        _ voxels: UnsafeRawBufferPointer,
        isCancelled: () -> Bool
    ) throws(EngineError) { fatalError("coming") }

    /// How many bytes of the kept level `mip` are final, counted from its begin; safe from any thread.
    package func readyByteCount(mip: Int) -> Int { fatalError("coming") }

    /// The memory of the kept level `mip`: valid while the engine lives, final up to ``readyByteCount(mip:)``.
    package func level(_ mip: Int) -> UnsafeRawBufferPointer { fatalError("coming") }
}
