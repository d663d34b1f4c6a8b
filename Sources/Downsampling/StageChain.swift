// SPDX-License-Identifier: Apache-2.0

/// Runs consecutive stages depth first: as soon as a window of slices is complete it becomes a slice of the next.
///
/// Only the slices of open windows are held, so what is worked on stays in cache, and a chain's memory does not
/// grow with the part that passes through it.
final class StageChain {
    /// Where a stage's output slice goes that is kept for the answer; `nil` for a stage that keeps none.
    typealias KeptSlice = (_ stage: Int, _ slice: Int) -> UnsafeMutableRawPointer?

    private struct Link {
        let runner: any StageRunner
        let window: Int
        let inCount: Int
        let makesImage: Bool
        let carry: Carry
        let outSliceCount: Int
        /// Output slices that wait for the next stage; `nil` at the end of a chain.
        let waiting: VoxelBuffer?
        let waitingCount: Int
        /// Slices taken so far, and made so far.
        var taken = 0
        var made = 0
        var open: [Slice] = []
    }

    private var links: [Link] = []
    private let first: Int
    private let width: Int
    /// The stage that makes this chain's input, and memory for slices of it that wait for more.
    private let inlet: Stage?
    private let inletSlices: VoxelBuffer?

    /// A chain over `stages[range]` of a plan.
    init(_ plan: PyramidPlan, _ range: Range<Int>, kernels: Kernels) throws(EngineError) {
        first = range.lowerBound
        let type = RowCode(plan.spec.type)
        width = type.byteWidth
        inlet = range.lowerBound > 0 ? plan.stages[range.lowerBound - 1] : nil
        if let inlet {
            let window = plan.stages[range.lowerBound].window
            inletSlices = try VoxelBuffer(byteCount: window * inlet.sliceByteCount(width: width))
        } else {
            inletSlices = nil
        }
        for index in range {
            let stage = plan.stages[index]
            let waiting = index + 1 < range.upperBound ? plan.stages[index + 1].window : 0
            var link = Link(
                runner: try stage.makeRunner(kernels: kernels, type: type),
                window: stage.window,
                inCount: stage.inSizes[stage.stream],
                makesImage: stage.makesImage,
                carry: stage.carry,
                outSliceCount: stage.outSliceCount,
                waiting: waiting > 0
                    ? try VoxelBuffer(byteCount: waiting * stage.sliceByteCount(width: width)) : nil,
                waitingCount: waiting
            )
            link.open.reserveCapacity(stage.window)
            links.append(link)
        }
    }

    /// Makes the chain ready for the slices from `slice` on; the first stage's windows begin there.
    func start(at slice: Int) {
        var begin = slice
        for index in links.indices {
            links[index].taken = begin
            begin /= links[index].window
            links[index].made = begin
            links[index].open.removeAll(keepingCapacity: true)
        }
    }

    /// Slices made so far by stage `stage` of the plan, counted from the begin of the part.
    func madeCount(_ stage: Int) -> Int { links[stage - first].made }

    /// Takes the next slice; hands each output of the last stage to `finished`, in `outlet(slice)`'s memory.
    func push(
        _ slice: Slice,
        kept: KeptSlice,
        outlet: (_ slice: Int) -> Slice,
        finished: (_ slice: Slice) -> Void
    ) {
        var slice = slice
        for index in links.indices {
            links[index].open.append(slice)
            links[index].taken += 1
            let isFull =
                links[index].open.count == links[index].window || links[index].taken == links[index].inCount
            guard isFull else { return }
            let made = links[index].made
            var out = index == links.count - 1 ? outlet(made) : waitingSlice(index, made)
            if let image = kept(first + index, made) { out.image = image }
            links[index].open.withUnsafeBufferPointer { window in
                links[index].runner.reduce(window, at: made, into: out)
            }
            links[index].open.removeAll(keepingCapacity: true)
            links[index].made += 1
            slice = out
        }
        finished(slice)
    }

    /// Copies what is waiting of the input into memory of the chain's own, as the caller's is about to be reused.
    ///
    /// Images of kept levels stay where they are: their memory is not reused.
    func holdOpenSlices() {
        guard let inlet, let inletSlices else { return }
        let voxels = inlet.outSliceCount
        for (place, open) in links[0].open.enumerated() {
            var held = Slice.within(
                inletSlices.base,
                place: place,
                of: links[0].window,
                voxels: voxels,
                width: inlet.makesImage && !inlet.keepsImage ? width : 0,
                carry: inlet.carry
            )
            hold(open.sums, at: held.sums, voxels * (inlet.carry.sum?.byteWidth ?? 0))
            hold(open.counts, at: held.counts, voxels * (inlet.carry.count?.byteWidth ?? 0))
            hold(open.image, at: held.image, voxels * width)
            if held.image == nil { held.image = open.image }
            links[0].open[place] = held
        }
    }

    private func hold(
        _ source: UnsafeMutableRawPointer?,
        at target: UnsafeMutableRawPointer?,
        _ byteCount: Int
    ) {
        guard let source, let target, source != target else { return }
        target.copyMemory(from: source, byteCount: byteCount)
    }

    /// Memory for output slice `slice` of a stage that is not the last.
    private func waitingSlice(_ index: Int, _ slice: Int) -> Slice {
        let link = links[index]
        guard let buffer = link.waiting else { return Slice() }
        return Slice.within(
            buffer.base,
            place: slice % link.waitingCount,
            of: link.waitingCount,
            voxels: link.outSliceCount,
            width: link.makesImage ? width : 0,
            carry: link.carry
        )
    }
}

extension Slice {
    /// One of `count` slices in a block of memory that holds all sums, then all counts, then all images: in falling
    /// alignment, whatever the number of voxels.
    static func within(
        _ base: UnsafeMutableRawPointer,
        place: Int,
        of count: Int,
        voxels: Int,
        width: Int,
        carry: Carry
    ) -> Slice {
        let sumWidth = carry.sum?.byteWidth ?? 0
        let countWidth = carry.count?.byteWidth ?? 0
        let sums = base
        let counts = sums + (count * voxels * sumWidth).aligned
        let images = counts + (count * voxels * countWidth).aligned
        return Slice(
            image: width > 0 ? images + place * voxels * width : nil,
            sums: sumWidth > 0 ? sums + place * voxels * sumWidth : nil,
            counts: countWidth > 0 ? counts + place * voxels * countWidth : nil
        )
    }
}

extension Int {
    /// Rounded up to the alignment of any vector.
    var aligned: Int { (self + 63) & ~63 }
}

extension Stage {
    /// Bytes that one output slice takes at most while it waits.
    func sliceByteCount(width: Int) -> Int {
        (outSliceCount * (carry.sum?.byteWidth ?? 0)).aligned
            + (outSliceCount * (carry.count?.byteWidth ?? 0)).aligned
            + (makesImage ? (outSliceCount * width).aligned : 0)
    }

    /// Bytes of scratch that a runner of this stage needs.
    func scratchByteCount(width: Int) -> Int {
        switch operation {
        case .integerAverage: IntegerAverageRunner.scratchByteCount(self)
        case .floatAverage: FloatAverageRunner.scratchByteCount(self)
        case .modeBox: Kernels.modeBoxScratchByteCount(width: width, boxVoxelCount: boxVoxelCount)
        case .median: Kernels.medianScratchByteCount(width: width, boxVoxelCount: boxVoxelCount)
        case .modePlane, .modeFirst, .modeCountless, .modeLine, .extreme, .stride: 0
        }
    }

    private var boxVoxelCount: Int { factors.reduce(1) { $0.multiplied(by: $1, atMost: 1 << 48) } }

    /// Bytes that running this stage takes: `waiting` slices of its output, pointers, and scratch.
    func workingByteCount(width: Int, waiting: Int) -> Int {
        let rows = factors.dropFirst().reduce(1) { $0.multiplied(by: $1, atMost: 1 << 48) }
        return waiting * sliceByteCount(width: width) + scratchByteCount(width: width) + rows * 16 + 4096
    }

    func makeRunner(kernels: Kernels, type: RowCode) throws(EngineError) -> any StageRunner {
        let scratch = try VoxelBuffer(byteCount: scratchByteCount(width: type.byteWidth))
        switch operation {
        case .integerAverage(let average):
            return IntegerAverageRunner(self, average, kernels: kernels, scratch: scratch)
        case .floatAverage(let average):
            return FloatAverageRunner(self, average, kernels: kernels, scratch: scratch)
        case .modePlane(let box, _, _), .modeFirst(let box, _), .modeCountless(let box),
            .modeLine(let box, _):
            return MirroredModeRunner(self, box, width: type.byteWidth, kernels: kernels)
        case .modeBox, .extreme, .median, .stride:
            return BoxRunner(self, type: type, kernels: kernels, scratch: scratch)
        }
    }
}
