// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// How the input is cut into slabs.
struct SlabPlan: Sendable {
    /// How many stages a slab passes by itself.
    let headStageCount: Int
    /// Whole parts to a slab; 0 where a slab is a piece of a part.
    let partsPerSlab: Int
    /// Slices to a slab, where it is a piece of a part.
    let slicesPerSlab: Int
    let slabsPerPart: Int
    let partCount: Int
    let sliceCount: Int
    let sliceByteCount: Int
    /// Slices that a chain is given at once: whole windows of all its stages, and about as much as fits a near cache, or
    /// more where kernels read ahead.
    let batchSliceCount: Int
    /// Output slices of the head's last stage in one slab.
    let handoffSliceCount: Int
    /// Bytes of what a slab leaves for the tail.
    let handoffByteCount: Int
    /// How windows are cut that are too long for a slab; `nil` where slabs are whole windows.
    let pieces: PiecePlan?

    /// Bytes of a batch, if one window of slices is not more.
    static let nearByteCount = 128 << 10
    /// The same where kernels read ahead along the rows: then a batch may be more than a near cache holds, and each
    /// begin costs what the processor waits for the stores of the one before.
    static let streamedByteCount = 1 << 20
    /// Bytes that are likely to be in a cache when they have just been written.
    static let cachedByteCount = 512 << 10

    /// Slabs have `target` bytes, unless one window of slices is more.
    init(geometry: Geometry, stages: [Stage], topology: StagePlanner.Topology, width: Int, target: Int) {
        partCount = geometry.partCount
        sliceCount = geometry.partSizes[geometry.stream]
        sliceByteCount = geometry.partSizes.dropLast().reduce(1, *) * width
        let partByteCount = sliceCount * sliceByteCount

        if topology == .chain, let first = stages.first,
            let pieces = PiecePlan(first, width: width, sliceByteCount: sliceByteCount, target: target)
        {
            self.pieces = pieces
            headStageCount = 1
            partsPerSlab = 0
            slicesPerSlab = pieces.sliceCount
            slabsPerPart = pieces.count
            batchSliceCount = 1
            handoffSliceCount = 1
            handoffByteCount = 0
            return
        }
        pieces = nil

        // Slices that reduce by themselves through `count` stages.
        var aligned = 1
        var count = 0
        if topology == .fan {
            // The reach of a fan's last stage covers that of all others.
            for stage in stages where stage.mip != nil { aligned = max(aligned, stage.window) }
            // Reaches are powers of one factor, cut at the size: a cut one covers the whole part.
            count = stages.count
        } else {
            for stage in stages {
                let next = aligned.multiplied(by: stage.window, atMost: sliceCount)
                if count > 0, next < sliceCount, next * sliceByteCount > target { break }
                if count > 0, next >= sliceCount, partByteCount > target { break }
                aligned = next
                count += 1
            }
        }

        let isStreamed =
            topology == .chain && geometry.stream == 1
            && stages.first.map { RowGrid($0).readAhead(0, width: width) != nil } ?? false
        let batchByteCount = isStreamed ? SlabPlan.streamedByteCount : SlabPlan.nearByteCount
        let near = batchByteCount / (aligned * max(sliceByteCount, 1))
        batchSliceCount = min(
            max(sliceCount, 1),
            aligned.multiplied(by: max(1, near), atMost: max(sliceCount, 1))
        )
        if aligned >= sliceCount || partByteCount <= target {
            headStageCount = stages.count
            partsPerSlab = max(1, min(partCount, target / max(partByteCount, 1)))
            slicesPerSlab = sliceCount
            slabsPerPart = 1
            handoffSliceCount = 0
            handoffByteCount = 0
            return
        }
        headStageCount = count
        partsPerSlab = 0
        let units = max(1, target / (aligned * max(sliceByteCount, 1)))
        slicesPerSlab = min(sliceCount, units * aligned)
        slabsPerPart = slicesPerSlab.dividingUp(sliceCount)
        if count < stages.count {
            let last = stages[count - 1]
            var slices = slicesPerSlab
            for stage in stages[..<count] { slices = stage.window.dividingUp(slices) }
            handoffSliceCount = slices
            let pitch = last.pitch(readBy: stages[count], width: width)
            handoffByteCount = SliceMemory.byteCount(capacity: slices, pitch: pitch)
        } else {
            handoffSliceCount = 0
            handoffByteCount = 0
        }
    }

    var slabCount: Int {
        partsPerSlab > 0 ? partsPerSlab.dividingUp(partCount) : partCount * slabsPerPart
    }

    var largestByteCount: Int {
        partsPerSlab > 0
            ? min(partsPerSlab, partCount) * sliceCount * sliceByteCount : slicesPerSlab * sliceByteCount
    }

    func byteRange(_ index: Int) -> Range<Int> {
        let partByteCount = sliceCount * sliceByteCount
        if partsPerSlab > 0 {
            let begin = index * partsPerSlab
            return begin * partByteCount..<min(begin + partsPerSlab, partCount) * partByteCount
        }
        let (part, piece) = index.quotientAndRemainder(dividingBy: slabsPerPart)
        let slices = slices(piece)
        let base = part * partByteCount
        return base + slices.lowerBound * sliceByteCount..<base + slices.upperBound * sliceByteCount
    }

    /// The slices of slab `piece` of a part.
    func slices(_ piece: Int) -> Range<Int> {
        if let pieces { return pieces.slices(piece) }
        let begin = piece * slicesPerSlab
        return begin..<min(begin + slicesPerSlab, sliceCount)
    }
}
