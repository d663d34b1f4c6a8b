// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Averages of floats along the streaming axis alone, a few slices at a time.
///
/// There the order of additions is that of the slices, so sums that go on from piece to piece are those of a whole
/// window, to the bit. For sums that are not finite (docs/semantics.md 2.2, overflow) the weighted mean is added up
/// beside them: every voxel weighs 1, so what the weights add up to is known before.
final class OrderedSums {
    private let kernels: Kernels
    private let width: Int
    private let isWide: Bool
    private let voxelCount: Int
    private let sums: VoxelBuffer
    private let means: VoxelBuffer?
    private var positions: RowPointers

    /// Voxels whose means stay in the nearest cache while slices pass.
    private static let blockVoxelCount = 1024

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(_ plan: PiecePlan, _ average: FloatAverage, kernels: Kernels) throws(EngineError) {
        self.kernels = kernels
        width = average.width
        isWide = average.sumsAreWide
        voxelCount = plan.stage.outSliceCount
        sums = try VoxelBuffer(byteCount: voxelCount.multipliedClamped(by: isWide ? 8 : width))
        // Finite floats of 32 bits have finite sums in 64; all others' sums are what their means are.
        let needsMeans = !(isWide && width == 4)
        means = needsMeans ? try VoxelBuffer(byteCount: voxelCount.multipliedClamped(by: 8)) : nil
        positions = try RowPointers(capacity: min(plan.sliceCount, FloatAverageRunner.positionLimit))
    }

    static func byteCount(_ plan: PiecePlan) -> Int {
        plan.stage.outSliceCount.multipliedClamped(by: 16)
            .addingClamped(FloatAverageRunner.positionLimit * MemoryLayout<UnsafeRawPointer>.stride)
    }

    /// Adds slices of a window of `count`; `begins`: whether they are its first.
    func add(_ share: SliceRun, begins: Bool, of count: Int) {
        guard let image = share.image else { return }
        for first in stride(from: 0, to: share.count, by: positions.capacity) {
            positions.removeAll()
            for slice in first..<min(first + positions.capacity, share.count) {
                positions.append(image + slice * voxelCount * width)
            }
            let continues = !(begins && first == 0)
            kernels.sumFloats(
                width,
                isWide,
                positions.first,
                positions.count,
                1,
                voxelCount,
                continues,
                false,
                sums.base
            )
            if let means {
                if width == 4 {
                    addMeans(Float.self, means, weight: 1 / Double(count), continues: continues)
                } else {
                    addMeans(Double.self, means, weight: 1 / Double(count), continues: continues)
                }
            }
        }
    }

    @inline(__always)
    private func addMeans<T: BinaryFloatingPoint>(
        _: T.Type,
        _ memory: VoxelBuffer,
        weight: Double,
        continues: Bool
    ) {
        let means = memory.base.assumingMemoryBound(to: Double.self)
        for begin in stride(from: 0, to: voxelCount, by: OrderedSums.blockVoxelCount) {
            let end = min(begin + OrderedSums.blockVoxelCount, voxelCount)
            if !continues { for i in begin..<end { means[i] = 0 } }
            for slice in 0..<positions.count {
                let voxels = positions.first[slice].assumingMemoryBound(to: T.self)
                for i in begin..<end { means[i] += Double(voxels[i]) * weight }
            }
        }
    }

    /// Makes the slice of a window of `count` slices, all of which were added.
    func render(_ count: Int, into out: SliceRun) {
        out.sums?.copyMemory(from: sums.base, byteCount: voxelCount * 8)
        guard let image = out.image else { return }
        kernels.renderFloats(width, isWide, sums.base, voxelCount, Double(count), image)
        guard let means, !kernels.areFinite(isWide ? 8 : width, sums.base, voxelCount) else { return }
        let mean = means.base.assumingMemoryBound(to: Double.self)
        if width == 4 {
            let sum = sums.base.assumingMemoryBound(to: Float.self)
            let voxels = image.assumingMemoryBound(to: Float.self)
            for i in 0..<voxelCount where !sum[i].isFinite { voxels[i] = Float(mean[i]) }
        } else {
            let sum = sums.base.assumingMemoryBound(to: Double.self)
            let voxels = image.assumingMemoryBound(to: Double.self)
            for i in 0..<voxelCount where !sum[i].isFinite { voxels[i] = mean[i] }
        }
    }
}

extension FloatAverage {
    /// Whether sums of the first mip are `f64`: those of exact averages are, and are carried on.
    fileprivate var sumsAreWide: Bool {
        guard case .exact = rule else { return false }
        return true
    }

    /// Whether slices of full rows can be added one after another, and each voxel weighs 1.
    var addsSliceBySlice: Bool {
        guard !isSparse, !readsSums else { return false }
        switch rule {
        case .other, .exact: return true
        case .once, .carry, .otherSparse: return false
        }
    }
}
