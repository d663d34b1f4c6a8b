// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// One reduction of every box of a part: a mip, or one of the steps that make a mip of a large label factor.
///
/// Sizes and factors are those of a part's axes in memory order, fastest first, the last being the axis along which
/// slices stream.
struct Stage: Sendable {
    /// At most the sizes: a longer factor makes the same boxes.
    let factors: [Int]
    let inSizes: [Int]
    let outSizes: [Int]
    /// Voxels of one slice of the output.
    let outSliceCount: Int
    let operation: Operation
    /// The mip whose image this stage makes; `nil` for a step on the way to one.
    let mip: Int?
    /// What a slice of its output holds besides the image.
    var carry = Carry()
    /// Whether somebody reads the image that it makes: the answer, the next stage, or a rescue of the next.
    var makesImage = true
    /// Whether it reads the source, which is in no cache.
    var readsSource = false

    init(factors: [Int], inSizes: [Int], operation: Operation, mip: Int?) {
        let factors = zip(factors, inSizes).map { min($0, max($1, 1)) }
        let outSizes = zip(inSizes, factors).map { $1.dividingUp($0) }
        self.factors = factors
        self.inSizes = inSizes
        self.outSizes = outSizes
        outSliceCount = outSizes.dropLast().reduce(1, *)
        self.operation = operation
        self.mip = mip
    }

    var stream: Int { factors.count - 1 }
    /// Whether its kernels ask for the voxels of later rows while they work: those of boxes of twos, in one pass.
    var readsAhead: Bool {
        guard factors[0] == 2, factors.allSatisfy({ $0 <= 2 }) else { return false }
        switch operation {
        case .integerAverage(let average): return average.count == nil || isSparsePairs
        case .floatAverage(let average):
            switch average.rule {
            case .once: return true
            case .carry: return !average.isSparse
            case .other, .otherSparse, .exact: return false
            }
        case .modePlane, .modeCountless: return true
        case .modeFirst(let box, _): return box.positions.count == 8
        case .modeLine, .modeBox, .extreme, .median, .stride: return false
        }
    }
    /// Whether it averages the voxels that are not 0 of boxes of twos in one pass: those of an image of 8 or 16 bits
    /// without a sign.
    var isSparsePairs: Bool {
        guard factors[0] == 2, factors.allSatisfy({ $0 <= 2 }), factors.reduce(1, *) <= 8,
            case .integerAverage(let average) = operation, let count = average.count
        else { return false }
        let isKnown = average.image == RowCode(.uint8) || average.image == RowCode(.uint16)
        return isKnown && !average.readsSums && average.inputCount == nil && count.byteWidth == 2
            && average.sum.byteWidth == 2 * average.image.byteWidth
    }
    /// How many slices of the input make one of the output.
    var window: Int { factors[stream] }

    enum Operation: Sendable {
        case integerAverage(IntegerAverage)
        case floatAverage(FloatAverage)
        /// Plane step (docs/semantics.md 4) over two axes, by their place in memory.
        case modePlane(MirroredBox, sparse: Bool, nearIsSecond: Bool)
        /// Most frequent of mirrored positions: cube step F and the exact mode of small boxes.
        case modeFirst(MirroredBox, sparse: Bool)
        /// Cube step C.
        case modeCountless(MirroredBox)
        case modeLine(MirroredBox, sparse: Bool)
        /// Exact mode of any box; rank steps of the axes decide ties.
        case modeBox(rankSteps: [Int], sparse: Bool)
        case extreme(isMax: Bool)
        case median(sparse: Bool)
        case stride
    }
}

/// What one stage hands the next besides an image, per voxel.
struct Carry: Sendable, Equatable {
    /// Type of the sums, if there are any.
    var sum: RowCode?
    /// Type of the counts, if there are any.
    var count: RowCode?
}

/// The voxels of a box of twos in the order that decides ties; beyond an edge, the edge's own voxel.
struct MirroredBox: Sendable {
    /// For each position its offset, 0 or 1, along each axis of a part.
    let positions: [[Int]]
}

/// An average of integers: sums of existing voxels, times a weight, over a divisor.
struct IntegerAverage: Sendable {
    enum Divisor: Sendable {
        /// Sums are weighted so that all boxes have this one (docs/semantics.md 2.1).
        case uniform(Int)
        /// The number of source voxels: for each axis, those of a full box and those of the last one.
        case voxelCount(full: [Int], last: [Int])
        /// The carried or counted number of voxels that are not 0.
        case counted
    }

    let image: RowCode
    /// Where the terms come from: the image before, or the sums carried with it.
    let input: RowCode
    /// The type of the counts that come with the sums.
    let inputCount: RowCode?
    let readsSums: Bool
    let sum: RowCode
    /// Magnitude bits of a sum.
    let sumBits: Int
    /// Of sparse averages.
    let count: RowCode?
    let divisor: Divisor
    let roundsToEven: Bool
    /// Weight of a full and of a clipped last box, for each axis.
    let fullScales: [Int]
    let lastScales: [Int]
}

/// An average of floats (docs/semantics.md 2.2 and 3).
struct FloatAverage: Sendable {
    enum Rule: Sendable {
        /// One mip of 2x2x1 or 2x2x2: sums in f64.
        case once
        /// Several mips of them: sums of T carried, never rounded to a mean in between.
        case carry(divisor: Double, columnsFirst: Bool)
        /// Another factor: means of means.
        case other
        /// Another factor, sparse: sums and counts carried in f64; the factor's volume as f64.
        case otherSparse(volume: Double)
        /// From mip 0, in f64; source voxels of a full and the last box of this stage, and of the one before.
        case exact(full: [Int], last: [Int], fullBefore: [Int], lastBefore: [Int])
    }

    let rule: Rule
    let width: Int
    let isSparse: Bool
    /// Whether the terms are carried sums; else the image.
    let readsSums: Bool
    /// Whether counts are carried from the stage before; else they are of the image.
    let readsCounts: Bool
    /// Axes of a part from the fastest to the slowest of the enumeration that orders the additions.
    let order: [Int]
    /// The same for x fastest: the order of a rescue.
    let rescueOrder: [Int]
    /// Where x lies in memory, if it is an axis of a part.
    let xAxis: Int?
}
