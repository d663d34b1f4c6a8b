// SPDX-License-Identifier: Apache-2.0

// Rules (SEMANTICS 2.2 and 3): see `FloatAverage.Rule`. All additions of a box are done in one order, which for C
// order arrays is not the order of memory. Where a sum is not finite, the voxel is made again by the overflow
// rule (`FloatRescue.swift`), so every stage keeps the image of the one before.

/// Averages of floats, to the bit.
final class FloatAverageRunner: StageRunner {
    let average: FloatAverage
    let stage: Stage
    var grid: RowGrid
    private let kernels: Kernels
    private let scratch: VoxelBuffer
    private var positions: [UnsafeRawPointer] = []
    private let rowSums: UnsafeMutableRawPointer
    private let rowCounts: UnsafeMutableRawPointer
    private let narrowSums: UnsafeMutableRawPointer
    /// Pointers that a kernel is given at once: boxes of more positions take several calls.
    private static let positionLimit = 1024

    init(_ stage: Stage, _ average: FloatAverage, kernels: Kernels, scratch: VoxelBuffer) {
        self.stage = stage
        self.average = average
        self.kernels = kernels
        self.scratch = scratch
        grid = RowGrid(stage)
        rowSums = scratch.base
        rowCounts = rowSums + stage.outSizes[0] * 8
        narrowSums = rowCounts + stage.outSizes[0] * 8
        positions.reserveCapacity(
            min(stage.factors.reduce(1) { $0.multiplied(by: $1, atMost: 1 << 40) }, 1024)
        )
    }

    static func scratchByteCount(_ stage: Stage) -> Int { stage.outSizes[0] * 24 }

    func reduce(_ window: UnsafeBufferPointer<Slice>, at index: Int, into out: Slice) {
        var out = out
        let factor = grid.factors[0]
        let full = grid.inputCount / factor
        let rest = grid.inputCount - full * factor
        for _ in 0..<grid.rowCount {
            let row = FloatRow(window: window, index: index)
            if full > 0 { reduceRow(row, boxes: 0..<full, extent: factor, into: out) }
            if rest > 0 { reduceRow(row, boxes: full..<full + 1, extent: rest, into: out) }
            let count = grid.outputCount
            out.image = out.image.map { $0 + count * average.width }
            out.sums = out.sums.map { $0 + count * sumWidth }
            out.counts = out.counts.map { $0 + count * 8 }
            grid.advance()
        }
    }

    private var sumWidth: Int {
        switch average.rule {
        case .once, .otherSparse, .exact: 8
        case .carry, .other: average.width
        }
    }

    /// Boxes of one row that have the same extents.
    private func reduceRow(_ row: FloatRow, boxes: Range<Int>, extent: Int, into out: Slice) {
        let count = boxes.count
        let begin = boxes.lowerBound
        var extents = (0...grid.stream).map { $0 == 0 ? extent : $0 < grid.stream ? grid.extent($0) : 0 }
        extents[grid.stream] = row.window.count
        let box = FloatBox(row: row, begin: begin, count: count, extents: extents)
        let sums = out.sums.map { $0 + begin * sumWidth } ?? rowSums
        let counts = out.counts.map { $0 + begin * 8 } ?? rowCounts
        guard let image = out.image.map({ $0 + begin * average.width }) else { return }
        let existing = Double(extents.reduce(1, *))

        switch average.rule {
        case .once:
            addUp(box, isWide: true, startsAtFirst: true, into: sums)
            if average.isSparse {
                countUp(box, into: counts)
                kernels.renderSparseFloats(average.width, false, true, sums, counts, count, image)
            } else {
                kernels.renderFloats(average.width, true, sums, count, existing, image)
            }
        case .carry(let divisor, let columnsFirst):
            addUpCarried(box, columnsFirst: columnsFirst, into: sums)
            let head = Double(clippedWeight(box))
            if head != 1 { kernels.scaleFloats(average.width, sums, count, head) }
            if average.isSparse {
                countUp(box, into: counts)
                if head != 1 { kernels.scaleFloats(8, counts, count, head) }
                kernels.renderSparseFloats(average.width, true, false, sums, counts, count, image)
            } else {
                kernels.renderFloatsNarrow(average.width, sums, count, divisor, image)
            }
        case .other:
            addUp(box, isWide: false, startsAtFirst: false, into: sums)
            kernels.renderFloats(average.width, false, sums, count, existing, image)
        case .otherSparse(let volume):
            addUpMixed(box, into: sums)
            countUp(box, into: counts)
            kernels.renderSparseFloats(average.width, false, false, sums, counts, count, image)
            rescue(box, sums: sums, isWide: true, into: image)
            let head = volume / max(existing, 1)
            kernels.scaleFloats(8, sums, count, head)
            kernels.scaleFloats(8, counts, count, head)
            return
        case .exact(let full, let last, _, _):
            addUp(box, isWide: true, startsAtFirst: false, into: sums)
            if average.isSparse {
                countUp(box, into: counts)
                kernels.renderSparseFloats(average.width, false, false, sums, counts, count, image)
            } else {
                renderExact(box, full: full, last: last, sums: sums, into: image)
            }
        }
        rescue(box, sums: sums, isWide: sumWidth == 8, into: image)
    }

    /// Divides by the number of source voxels, which differs in the last box of a row.
    private func renderExact(
        _ box: FloatBox,
        full: [Int],
        last: [Int],
        sums: UnsafeMutableRawPointer,
        into image: UnsafeMutableRawPointer
    ) {
        var extent = 1.0
        for axis in 1...grid.stream {
            let place = axis == grid.stream ? box.row.index : grid.at[axis]
            extent *= Double(place == grid.outSizes[axis] - 1 ? last[axis] : full[axis])
        }
        let endsRow = box.begin + box.count == grid.outputCount
        let inner = box.count - (endsRow ? 1 : 0)
        if inner > 0 {
            kernels.renderFloats(average.width, true, sums, inner, extent * Double(full[0]), image)
        }
        if endsRow {
            kernels.renderFloats(
                average.width,
                true,
                sums + inner * 8,
                1,
                extent * Double(last[0]),
                image + inner * average.width
            )
        }
    }

    /// Twos along the axes on which the box is clipped though the axis has more than one box.
    private func clippedWeight(_ box: FloatBox) -> Int {
        var weight = 1
        for axis in 0...grid.stream where box.extents[axis] < grid.factors[axis] && grid.outSizes[axis] > 1 {
            weight *= 2
        }
        return weight
    }

    private func addUp(_ box: FloatBox, isWide: Bool, startsAtFirst: Bool, into sums: UnsafeMutableRawPointer)
    {
        let width = average.readsSums ? sumWidth : average.width
        visit(box, order: average.order, source: average.readsSums ? .sums : .image, width: width) {
            positions,
            count,
            continues in
            kernels.sumFloats(
                width,
                isWide,
                positions,
                count,
                grid.factors[0],
                box.count,
                continues,
                startsAtFirst,
                sums
            )
        }
    }

    /// Sums of T, columns first in the complete boxes of the leading part of a row (SEMANTICS 2.2).
    private func addUpCarried(_ box: FloatBox, columnsFirst: Bool, into sums: UnsafeMutableRawPointer) {
        let isComplete = zip(box.extents, grid.factors).allSatisfy { $0 == $1 }
        guard columnsFirst, isComplete, box.extents.reduce(1, *) == 4, let xAxis = average.xAxis else {
            return addUp(box, isWide: false, startsAtFirst: false, into: sums)
        }
        let lanes = average.width == 4 ? 8 : 4
        let leading = grid.inSizes[xAxis] / lanes * lanes / 2
        let leadingBoxes: Int
        switch xAxis {
        case 0: leadingBoxes = min(max(leading - box.begin, 0), box.count)
        case grid.stream: leadingBoxes = box.row.index < leading ? box.count : 0
        default: leadingBoxes = grid.at[xAxis] < leading ? box.count : 0
        }
        if leadingBoxes > 0 {
            visit(box, order: average.order, source: average.readsSums ? .sums : .image, width: average.width)
            {
                positions,
                _,
                _ in
                kernels.sumFloatColumns(average.width, positions, grid.factors[0], leadingBoxes, sums)
            }
        }
        guard leadingBoxes < box.count else { return }
        var rest = box
        rest.begin += leadingBoxes
        rest.count -= leadingBoxes
        addUp(rest, isWide: false, startsAtFirst: false, into: sums + leadingBoxes * average.width)
    }

    /// The first mip adds in the image's own type, later ones in f64; what is carried is f64.
    private func addUpMixed(_ box: FloatBox, into sums: UnsafeMutableRawPointer) {
        guard !average.readsSums, average.width == 4 else {
            return addUp(box, isWide: true, startsAtFirst: false, into: sums)
        }
        addUp(box, isWide: false, startsAtFirst: false, into: narrowSums)
        let narrow = UnsafeRawPointer(narrowSums)
        withUnsafePointer(to: narrow) { first in
            // 0 + v would lose the sign of -0, which a quotient keeps: start at the value itself.
            kernels.sumFloats(4, true, first, 1, 1, box.count, false, true, sums)
        }
    }

    private func countUp(_ box: FloatBox, into counts: UnsafeMutableRawPointer) {
        if average.readsCounts {
            visit(box, order: average.order, source: .counts, width: 8) { positions, count, continues in
                kernels.sumFloats(
                    8,
                    true,
                    positions,
                    count,
                    grid.factors[0],
                    box.count,
                    continues,
                    false,
                    counts
                )
            }
        } else {
            visit(box, order: average.order, source: .image, width: average.width) {
                positions,
                count,
                continues in
                kernels.countFloats(
                    average.width,
                    positions,
                    count,
                    grid.factors[0],
                    box.count,
                    continues,
                    counts
                )
            }
        }
    }

    enum Source { case image, sums, counts }

    func base(_ slice: Slice, _ source: Source) -> UnsafeMutableRawPointer? {
        switch source {
        case .image: slice.image
        case .sums: slice.sums
        case .counts: slice.counts
        }
    }

    /// Hands the positions of a box to `body`, at most `positionLimit` at a time.
    private func visit(
        _ box: FloatBox,
        order: [Int],
        source: Source,
        width: Int,
        _ body: (UnsafePointer<UnsafeRawPointer>, Int, _ continues: Bool) -> Void
    ) {
        let begin = grid.rowBegin + box.begin * grid.factors[0]
        var walk = BoxWalk(order: order, extents: box.extents, strides: grid.inStrides, stream: grid.stream)
        var continues = false
        while !walk.isDone {
            positions.removeAll(keepingCapacity: true)
            while !walk.isDone, positions.count < FloatAverageRunner.positionLimit {
                let (slice, offset) = walk.position
                if let base = base(box.row.window[slice], source) {
                    positions.append(base + (begin + offset) * width)
                }
                walk.advance()
            }
            positions.withUnsafeBufferPointer { positions in
                if let first = positions.baseAddress { body(first, positions.count, continues) }
            }
            continues = true
        }
    }

    private func rescue(
        _ box: FloatBox,
        sums: UnsafeMutableRawPointer,
        isWide: Bool,
        into image: UnsafeMutableRawPointer
    ) {
        guard !kernels.areFinite(isWide ? 8 : average.width, sums, box.count) else { return }
        rescueRow(box, sums: sums, isWide: isWide, into: image)
    }
}

/// The window of slices above one output slice.
struct FloatRow {
    let window: UnsafeBufferPointer<Slice>
    /// The output slice's index along the streaming axis.
    let index: Int
}

/// Neighbouring boxes of a row, all of the same extents.
struct FloatBox {
    let row: FloatRow
    /// The first box's index along the row.
    var begin: Int
    var count: Int
    let extents: [Int]
}
