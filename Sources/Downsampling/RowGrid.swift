// SPDX-License-Identifier: Apache-2.0

/// Walks the rows of an output slice and finds the rows of the boxes below them.
///
/// A row runs along the first axis of memory. The axes between it and the streaming axis are the slice's own.
struct RowGrid {
    let factors: [Int]
    let inSizes: [Int]
    let outSizes: [Int]
    /// Elements between neighbours along each axis of an input slice.
    let inStrides: [Int]
    let stream: Int

    /// The output row that the walk is at: its index along each axis; those of the row and the stream are 0.
    private(set) var at: [Int]

    init(_ stage: Stage) {
        factors = stage.factors
        inSizes = stage.inSizes
        outSizes = stage.outSizes
        stream = stage.stream
        var strides: [Int] = []
        var stride = 1
        for size in stage.inSizes {
            strides.append(stride)
            stride *= size
        }
        inStrides = strides
        at = stage.inSizes.map { _ in 0 }
    }

    var rowCount: Int { outSizes[1..<stream].reduce(1, *) }
    var inputCount: Int { inSizes[0] }
    var outputCount: Int { outSizes[0] }

    /// Moves to the next row; from the last one back to the first.
    mutating func advance() {
        for axis in 1..<stream {
            at[axis] += 1
            if at[axis] < outSizes[axis] { return }
            at[axis] = 0
        }
    }

    /// How many voxels the box at the walk's row has along a slice axis.
    func extent(_ axis: Int) -> Int {
        min(factors[axis], inSizes[axis] - at[axis] * factors[axis])
    }

    /// Elements from the begin of a slice to the first row of the box.
    var rowBegin: Int {
        var begin = 0
        for axis in 1..<stream { begin += at[axis] * factors[axis] * inStrides[axis] }
        return begin
    }

    /// Calls `body` with the offset, in elements from ``rowBegin``, and the rank of every row of the box within a
    /// slice; ranks add up `rankSteps` along the axes.
    func forEachRowOfBox(rankSteps: [Int]? = nil, _ body: (_ offset: Int, _ rank: Int) -> Void) {
        guard stream > 1 else { return body(0, 0) }
        var count = 1
        for axis in 1..<stream { count *= extent(axis) }
        for number in 0..<count {
            var (rest, offset, rank) = (number, 0, 0)
            for axis in 1..<stream {
                let extent = extent(axis)
                let step = rest % extent
                rest /= extent
                offset += step * inStrides[axis]
                rank += step * (rankSteps?[axis] ?? 0)
            }
            body(offset, rank)
        }
    }
}
