// SPDX-License-Identifier: Apache-2.0
internal import RowKernels
internal import Voxels

// Rules (docs/semantics.md 2.2 and 3): see `FloatAverage.Rule`. All additions of a box are done in one order, which for C
// order arrays is not the order of memory. Where a sum is not finite, the voxel is made again by the overflow
// rule (`FloatRescue.swift`), so every stage keeps the image of the one before.

/// Averages of floats, to the bit.
final class FloatAverageRunner: StageRunner {
    let average: FloatAverage
    let grid: RowGrid
    private let kernels: Kernels
    private let scratch: VoxelBuffer
    private var positions: RowPointers
    private var patterns: ByMask<FloatPattern>
    private let rowSums: UnsafeMutableRawPointer
    private let rowCounts: UnsafeMutableRawPointer
    private let narrowSums: UnsafeMutableRawPointer
    /// Pointers that a kernel is given at once: boxes of more positions take several calls.
    static let positionLimit = 1024

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(_ stage: Stage, _ average: FloatAverage, kernels: Kernels, scratch: VoxelBuffer) throws(EngineError)
    {
        self.average = average
        self.kernels = kernels
        self.scratch = scratch
        let grid = RowGrid(stage)
        self.grid = grid
        rowSums = scratch.base
        rowCounts = rowSums + (stage.outSizes[0] * 8).aligned
        narrowSums = rowCounts + (stage.outSizes[0] * 8).aligned
        let boxCount = stage.factors.reduce(1) { $0.multiplied(by: $1, atMost: 1 << 48) }
        positions = try RowPointers(capacity: min(boxCount, FloatAverageRunner.positionLimit))
        patterns = ByMask(grid) { mask in FloatPattern(grid, average, mask) }
    }

    static func scratchByteCount(_ stage: Stage) -> Int { 3 * (stage.outSizes[0] * 8).aligned }

    func reduce(_ input: SliceRun, from first: Int, into output: SliceRun) {
        let factor = grid.factors[0]
        let full = grid.inputCount / factor
        let pitch = SliceRun.Pitch(voxels: grid.outputCount, width: average.width, carry: outCarry)
        var out = output
        let width = average.readsSums ? sumWidth : average.width
        guard let terms = average.readsSums ? input.sums : input.image else { return }
        grid.forEachStretch(from: first, count: output.count, readingAhead: terms, width: width, kernels) {
            stretch in
            let ahead = grid.readAhead(stretch.mask, width: width)
            func row(_ line: Int) -> FloatRow {
                FloatRow(input: input, stretch: stretch, line: line, ahead: ahead)
            }
            let pairs = full > 0 ? pairs(stretch.mask, full) : nil
            var line = 0
            while full > 0, line < stretch.lines {
                if let pairs {
                    let done = reducePairs(row(line), full, pairs, into: out.dropping(line, pitch))
                    line += done
                    if done > 0 { continue }
                }
                // A row that has no loop of one pass, or whose sums are not all finite.
                let box = FloatBox(row: row(line), begin: 0, count: full, mask: stretch.mask)
                reduceRow(box, into: out.dropping(line, pitch))
                line += 1
            }
            if full < grid.outputCount {
                for line in 0..<stretch.lines {
                    let box = FloatBox(row: row(line), begin: full, count: 1, mask: stretch.mask | 1)
                    reduceRow(box, into: out.dropping(line, pitch))
                }
            }
            out = out.dropping(stretch.lines, pitch)
        }
    }

    private var outCarry: Carry {
        let wide = RowCode(.float64)
        return Carry(sum: sumWidth == 8 ? wide : RowCode(.float32), count: wide)
    }

    private var sumWidth: Int {
        switch average.rule {
        case .once, .otherSparse, .exact: 8
        case .carry, .other: average.width
        }
    }

    /// Neighbouring boxes of one row, all of the same extents.
    private func reduceRow(_ box: FloatBox, into out: SliceRun) {
        let count = box.count
        let begin = box.begin
        let pattern = patterns[box.mask]
        let sums = out.sums.map { $0 + begin * sumWidth } ?? rowSums
        let counts = out.counts.map { $0 + begin * 8 } ?? rowCounts
        guard let image = out.image.map({ $0 + begin * average.width }) else { return }
        let existing = Double(pattern.voxelCount)

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
            addUpCarried(box, pattern, columnsFirst: columnsFirst, into: sums)
            let head = pattern.clippedWeight
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

    /// How complete boxes of pairs are reduced in one pass.
    private struct Pairs {
        let rule: FloatPairRule
        let divisor: Double
        /// Boxes of a row that are added up columns first.
        let leading: Int
        let offsets: [Int]
    }

    /// For rows of `count` boxes; `nil` where there is no loop for boxes of this kind.
    private func pairs(_ mask: Int, _ count: Int) -> Pairs? {
        let pattern = patterns[mask]
        guard pattern.isPaired, let offsets = pattern.offsets else { return nil }
        var (rule, divisor, leading) = (FloatPairRule.carried, Double(pattern.voxelCount), 0)
        switch average.rule {
        case .once:
            rule = average.isSparse ? .onceSparse : .once
        case .carry(let total, let columnsFirst):
            guard !average.isSparse else { return nil }
            divisor = total
            leading = columnsFirst && pattern.voxelCount == 4 ? grid.inSizes[0] / lanes * lanes / 2 : 0
            leading = min(leading, count)
        case .other, .otherSparse, .exact:
            return nil
        }
        guard divisor.significand == 1, (0...100).contains(divisor.exponent) else { return nil }
        return Pairs(rule: rule, divisor: divisor, leading: leading, offsets: offsets)
    }

    /// Rows of `count` complete boxes from `row` on; returns how many it made before the stretch ended or a sum was not
    /// finite.
    private func reducePairs(_ row: FloatRow, _ count: Int, _ pairs: Pairs, into out: SliceRun) -> Int {
        let lines = row.stretch.lines - row.line
        let leading = pairs.leading
        guard leading > 0 else { return reducePairs(row, pairs, pairs.rule, 0..<count, lines, into: out) }
        guard leading < count else { return reducePairs(row, pairs, .columns, 0..<count, lines, into: out) }
        // One by one: a row that ends either rule would have to end both.
        let done = reducePairs(row, pairs, .columns, 0..<leading, 1, into: out)
        return min(done, reducePairs(row, pairs, pairs.rule, leading..<count, 1, into: out))
    }

    private func reducePairs(
        _ row: FloatRow,
        _ pairs: Pairs,
        _ rule: FloatPairRule,
        _ boxes: Range<Int>,
        _ lines: Int,
        into out: SliceRun
    ) -> Int {
        guard let image = out.image else { return 0 }
        guard let source = average.readsSums ? row.input.sums : row.input.image else { return 0 }
        let width = average.width
        let first = source + row.begin * width
        positions.place(pairs.offsets, at: first + boxes.lowerBound * grid.factors[0] * width, width: width)
        let ahead = ReadAhead.addresses(
            row.ahead,
            at: first,
            from: boxes.lowerBound,
            bytes: pairs.offsets.count * width
        )
        return kernels.averageFloatPairs(
            width,
            rule.rawValue,
            positions.first,
            positions.count,
            boxes.count,
            pairs.divisor,
            lines,
            row.stretch.step * width,
            grid.outputCount,
            ahead.near,
            ahead.far,
            out.sums.map { $0 + boxes.lowerBound * width },
            image + boxes.lowerBound * width
        )
    }

    /// Voxels that tinybrain adds up at a time (docs/semantics.md 2.2).
    private var lanes: Int { average.width == 4 ? 8 : 4 }

    /// Divides by the number of source voxels, which differs in the last box of a row.
    private func renderExact(
        _ box: FloatBox,
        full: [Int],
        last: [Int],
        sums: UnsafeMutableRawPointer,
        into image: UnsafeMutableRawPointer
    ) {
        var extent = 1.0
        for axis in 1...grid.stream { extent *= Double(box.mask >> axis & 1 == 1 ? last[axis] : full[axis]) }
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

    private func addUp(_ box: FloatBox, isWide: Bool, startsAtFirst: Bool, into sums: UnsafeMutableRawPointer)
    {
        let width = average.readsSums ? sumWidth : average.width
        visit(box, average.readsSums ? box.row.input.sums : box.row.input.image, width: width) {
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

    /// Sums of T, columns first in the complete boxes of the leading part of a row (docs/semantics.md 2.2).
    private func addUpCarried(
        _ box: FloatBox,
        _ pattern: FloatPattern,
        columnsFirst: Bool,
        into sums: UnsafeMutableRawPointer
    ) {
        guard columnsFirst, pattern.isComplete, pattern.voxelCount == 4, let xAxis = average.xAxis else {
            return addUp(box, isWide: false, startsAtFirst: false, into: sums)
        }
        let leading = grid.inSizes[xAxis] / lanes * lanes / 2
        // Off the row, x is one for all boxes: all of them lead, or none.
        let leadingBoxes =
            xAxis == 0
            ? min(max(leading - box.begin, 0), box.count) : box.row.at(xAxis) < leading ? box.count : 0
        if leadingBoxes > 0 {
            let source = average.readsSums ? box.row.input.sums : box.row.input.image
            visit(box, source, width: average.width) { positions, _, _ in
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
            visit(box, box.row.input.counts, width: 8) { positions, count, continues in
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
            visit(box, box.row.input.image, width: average.width) { positions, count, continues in
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

    /// Hands the positions of a box to `body` in the order of its additions, at most `positionLimit` at a time.
    private func visit(
        _ box: FloatBox,
        _ source: UnsafeMutableRawPointer?,
        width: Int,
        _ body: (UnsafePointer<UnsafeRawPointer>, Int, _ continues: Bool) -> Void
    ) {
        guard let source else { return }
        let voxel = source + (box.row.begin + box.begin * grid.factors[0]) * width
        let pattern = patterns[box.mask]
        if let offsets = pattern.offsets {
            positions.removeAll()
            for offset in offsets { positions.append(voxel + offset * width) }
            return body(positions.first, positions.count, false)
        }
        var walk = BoxWalk(order: average.order, extents: pattern.extents, strides: grid.inStrides)
        var continues = false
        while !walk.isDone {
            positions.removeAll()
            while !walk.isDone, positions.count < FloatAverageRunner.positionLimit {
                positions.append(voxel + walk.offset * width)
                walk.advance()
            }
            body(positions.first, positions.count, continues)
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
