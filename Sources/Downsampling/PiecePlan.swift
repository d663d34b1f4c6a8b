// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// How windows are taken that are too long to be held: each in pieces, a slab a piece.
///
/// A piece leaves one slice, its *share*: extremes, or sums and counts, of which those of all pieces make the window's.
/// Sums of integers are the same in whatever order they are added. Those of floats are not: where windows reach along
/// the streaming axis alone, shares are the slices themselves, which are added in order (`OrderedSums`). All other
/// floats, modes and medians need the voxels: their windows are held.
struct PiecePlan: Sendable {
    /// The first stage of a chain.
    let stage: Stage
    /// Slices of a piece; the last one of a window may have fewer.
    let sliceCount: Int
    /// Bytes of a share.
    let pitch: SliceRun.Pitch

    /// Shorter windows are held: pieces of them would be few, and each costs a share.
    private static let leastWindow = 8
    /// Windows of fewer slabs are held.
    private static let leastSlabCount = 8

    /// `nil` where windows are held.
    ///
    /// `target`: Bytes of a slab, unless a slice or its share are more.
    init?(_ stage: Stage, width: Int, sliceByteCount: Int, target: Int) {
        guard stage.window >= PiecePlan.leastWindow,
            stage.window * sliceByteCount / PiecePlan.leastSlabCount > target
        else { return nil }
        var carry = Carry()
        switch stage.operation {
        case .extreme, .stride: break
        case .integerAverage(let average): carry = Carry(sum: average.sum, count: average.count)
        case .floatAverage(let average):
            guard average.addsSliceBySlice, stage.factors.dropLast().allSatisfy({ $0 == 1 }) else {
                return nil
            }
        case .modePlane, .modeFirst, .modeCountless, .modeLine, .modeBox, .median: return nil
        }
        let pitch = SliceRun.Pitch(
            voxels: stage.outSliceCount,
            width: carry.sum == nil ? width : 0,
            carry: carry
        )
        // A share is written and read again: no more often than its own bytes have come in.
        let most = max(target, pitch.image.addingClamped(pitch.sums).addingClamped(pitch.counts))
        let slices = max(1, most / sliceByteCount)
        guard slices < stage.window else { return nil }
        self.stage = stage
        self.pitch = pitch
        sliceCount = slices
    }

    /// Slices of a share.
    var shareSliceCount: Int {
        if case .floatAverage = stage.operation { sliceCount } else { 1 }
    }

    /// How many windows there are in a part.
    var windowCount: Int { stage.outSizes[stage.stream] }

    /// Pieces of every window but the last.
    private var piecesPerWindow: Int { sliceCount.dividingUp(stage.window) }

    /// Pieces of a part.
    var count: Int { (windowCount - 1) * piecesPerWindow + sliceCount.dividingUp(stage.lastWindow) }

    /// The slices of piece `index` of a part.
    func slices(_ index: Int) -> Range<Int> {
        let (window, piece) = index.quotientAndRemainder(dividingBy: piecesPerWindow)
        let begin = window * stage.window
        let end = window == windowCount - 1 ? stage.inSizes[stage.stream] : begin + stage.window
        let first = begin + piece * sliceCount
        return first..<min(first + sliceCount, end)
    }

    /// Slices of window `index`.
    func windowSliceCount(_ index: Int) -> Int { index == windowCount - 1 ? stage.lastWindow : stage.window }

    /// Whether slices begin, and whether they end, a window.
    func beginsWindow(_ slices: Range<Int>) -> Bool { slices.lowerBound % stage.window == 0 }
    func endsWindow(_ slices: Range<Int>) -> Bool {
        slices.upperBound % stage.window == 0 || slices.upperBound == stage.inSizes[stage.stream]
    }

    /// The stage that makes shares: its first window is a piece, its last one the last piece of a window.
    func shareStage(ofLastWindow isLast: Bool) -> Stage {
        let length = windowSliceCount(isLast ? windowCount - 1 : 0)
        var (factors, sizes) = (stage.factors, stage.inSizes)
        factors[stage.stream] = sliceCount
        sizes[stage.stream] = sliceCount + (length - 1) % sliceCount + 1
        var operation = stage.operation
        if case .integerAverage(let average) = operation {
            var (full, last) = (average.fullScales, average.lastScales)
            let scale = isLast ? last[stage.stream] : full[stage.stream]
            full[stage.stream] = scale
            last[stage.stream] = scale
            // Nothing is divided yet.
            let divisor: IntegerAverage.Divisor = average.count == nil ? .uniform(1) : .counted
            operation = .integerAverage(
                average.with(divisor: divisor, fullScales: full, lastScales: last)
            )
        }
        var share = Stage(factors: factors, inSizes: sizes, operation: operation, mip: nil)
        if case .integerAverage(let average) = operation {
            share.carry = Carry(sum: average.sum, count: average.count)
            share.makesImage = false
        }
        share.readsSource = true
        return share
    }

    /// The stage that makes voxels of a window's sums; `nil` where shares are voxels.
    var renderStage: Stage? {
        guard case .integerAverage(let average) = stage.operation else { return nil }
        let ones = stage.outSizes.map { _ in 1 }
        let rendering = IntegerAverage(
            image: average.image,
            input: average.sum,
            inputCount: average.count,
            readsSums: true,
            sum: average.sum,
            sumBits: average.sumBits,
            count: average.count,
            divisor: average.divisor,
            roundsToEven: average.roundsToEven,
            fullScales: ones,
            lastScales: ones
        )
        var render = Stage(
            factors: ones,
            inSizes: stage.outSizes,
            operation: .integerAverage(rendering),
            mip: stage.mip
        )
        render.carry = stage.carry
        render.makesImage = stage.makesImage
        return render
    }

    /// Bytes of what makes the shares of one slab, and the share.
    func shareByteCount(width: Int) -> Int {
        if case .floatAverage = stage.operation {
            return SliceMemory.byteCount(capacity: shareSliceCount, pitch: pitch)
        }
        let runner = shareStage(ofLastWindow: false).workingByteCount(width: width)
        return SliceMemory.byteCount(capacity: 1, pitch: pitch).addingClamped(runner.multipliedClamped(by: 2))
    }

    /// Bytes of what makes windows of shares.
    func gatheringByteCount(width: Int) -> Int {
        let made = SliceRun.Pitch(voxels: stage.outSliceCount, width: width, carry: stage.carry)
        return SliceMemory.byteCount(capacity: 1, pitch: pitch)
            .addingClamped(SliceMemory.byteCount(capacity: 1, pitch: made))
            .addingClamped(renderStage?.workingByteCount(width: width) ?? 0)
            .addingClamped(WindowGathering.blockByteCount)
            .addingClamped(OrderedSums.byteCount(self))
    }
}
