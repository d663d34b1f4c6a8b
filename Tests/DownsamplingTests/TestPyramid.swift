// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Voxels

/// Runs the engine over a whole array in memory.
enum TestPyramid {
    /// The kept levels, in the spec's order of memory.
    ///
    /// Slabs of a group of `slabsInFlight` are reduced last to first, as lanes might.
    static func make(
        _ spec: PyramidSpec,
        _ voxels: [UInt8],
        slabByteCount: Int = PyramidPlan.usualSlabByteCount,
        slabsInFlight: Int = 1,
        kernels: Kernels = .best
    ) throws -> [[UInt8]] {
        let plan = try PyramidPlan(spec, slabByteCount: slabByteCount)
        let engine = try PyramidEngine(plan, slabsInFlight: slabsInFlight, kernels: kernels)
        return try levels(of: engine, voxels, slabsInFlight: slabsInFlight)
    }

    /// The kept levels of an engine that has seen nothing, or was restarted.
    static func levels(of engine: PyramidEngine, _ voxels: [UInt8], slabsInFlight: Int) throws -> [[UInt8]] {
        let plan = engine.plan
        var covered = 0
        for begin in stride(from: 0, to: plan.slabCount, by: slabsInFlight) {
            for index in (begin..<min(begin + slabsInFlight, plan.slabCount)).reversed() {
                let range = plan.slabRange(index)
                covered += range.count
                let slab = try VoxelBuffer(byteCount: range.count)
                slab.bytes.copyBytes(from: voxels[range])
                try engine.reduce(slab: index, UnsafeRawBufferPointer(slab.bytes), isCancelled: { false })
            }
        }
        precondition(covered == voxels.count, "slabs cover the input once")
        return plan.keptLevels.map { level in
            precondition(engine.readyByteCount(mip: level.mip) == level.byteCount, "every level ends ready")
            return Array(engine.level(level.mip))
        }
    }

    /// The same array with its last axis fastest, from one with x fastest, or the other way round.
    static func reordered(_ voxels: [UInt8], _ sizes: [Int], width: Int, to order: MemoryOrder) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: voxels.count)
        let count = sizes.reduce(1, *)
        guard count > 0 else { return result }
        var at = sizes.map { _ in 0 }
        for x in 0..<count {
            // `at` runs x fastest; its place in C order:
            var place = 0
            for (axis, size) in sizes.enumerated() { place = place * size + at[axis] }
            let (from, to) = order == .c ? (x, place) : (place, x)
            for byte in 0..<width { result[to * width + byte] = voxels[from * width + byte] }
            for axis in sizes.indices {
                at[axis] += 1
                if at[axis] < sizes[axis] { break }
                at[axis] = 0
            }
        }
        return result
    }

    /// The first voxel at which two arrays differ, any NaN being equal to any other; `nil` if they are the same.
    static func difference(_ a: [UInt8], _ b: [UInt8], _ type: VoxelType, zerosEqual: Bool = false) -> Int? {
        guard a.count == b.count else { return min(a.count, b.count) / type.byteWidth }
        let width = type.byteWidth
        for voxel in 0..<a.count / width {
            let range = voxel * width..<(voxel + 1) * width
            if a[range] == b[range] { continue }
            guard type.isFloat else { return voxel }
            let (x, y) = (float(a[range]), float(b[range]))
            if x.isNaN, y.isNaN { continue }
            if zerosEqual, x == 0, y == 0 { continue }
            return voxel
        }
        return nil
    }

    private static func float(_ bytes: ArraySlice<UInt8>) -> Double {
        var bits: UInt64 = 0
        for (place, byte) in bytes.enumerated() { bits |= UInt64(byte) << (8 * place) }
        return bytes.count == 4 ? Double(Float(bitPattern: UInt32(bits))) : Double(bitPattern: bits)
    }
}
