// SPDX-License-Identifier: Apache-2.0

// The exact mode of boxes of any size (docs/semantics.md 5).
//
// Invariant: the callers own `inputCount` voxels at each of `rowCount` >= 1 rows and one voxel of `out` for
// each box, naturally aligned; `out` overlaps no row; `scratch` holds `modeBoxScratchByteCount` bytes for
// boxes of rowCount * min(factor, inputCount) voxels; ranks stay in the range of Int and rankStep > 0, so
// that a run of equal labels has its lowest rank at its start.

/// Bytes of scratch memory that `modeBox` needs; aligned to 16.
///
/// - Parameters:
///   - width: Bytes of a voxel: 1, 2, 4 or 8.
///   - boxVoxelCount: Voxels of a full box: rows times the lesser of factor and input count; less than 2^32.
/// - Returns: Bytes; some 24 a voxel for 64-bit labels, at most 1.2 MB for 8- and 16-bit ones.
package func modeBoxScratchByteCount(width: Int, boxVoxelCount: Int) -> Int {
    let tally =
        switch width {
        case 1: LabelTally<Int8>.byteCount(boxVoxelCount: boxVoxelCount)
        case 2: LabelTally<Int16>.byteCount(boxVoxelCount: boxVoxelCount)
        case 4: LabelTally<Int32>.byteCount(boxVoxelCount: boxVoxelCount)
        case 8: LabelTally<Int64>.byteCount(boxVoxelCount: boxVoxelCount)
        default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
        }
    return Swift.max(tally, modeColumnsByteCount)
}

/// Writes the most frequent label of each box; ties go to the label whose first occurrence has the lowest
/// rank.
///
/// Box i is voxels [i * factor, min((i + 1) * factor, inputCount)) of every row; the voxel at offset dx in
/// its box in row r has the rank ranks[r] + dx * rankStep. Time is linear in the voxels unless labels were
/// made to collide, then n log n.
/// - Parameters:
///   - width: Bytes of a voxel: 1, 2, 4 or 8.
///   - rows: The rows of the boxes.
///   - ranks: The rank of the first voxel of a box in each row.
///   - rowCount: 1 or more.
///   - factor: 1 or more.
///   - rankStep: 1 or more.
///   - inputCount: Voxels of a row.
///   - sparse: Whether 0 is left out; a box of zeros gives 0.
///   - scratch: `modeBoxScratchByteCount` bytes.
///   - out: Receives `inputCount` / `factor` voxels, rounded up.
package func modeBox(
    width: Int,
    rows: UnsafePointer<UnsafeRawPointer>,
    ranks: UnsafePointer<Int>,
    rowCount: Int,
    factor: Int,
    rankStep: Int,
    inputCount: Int,
    sparse: Bool,
    scratch: UnsafeMutableRawPointer,
    into out: UnsafeMutableRawPointer
) {
    switch width {
    case 1: boxRow(Int8.self, rows, ranks, rowCount, factor, rankStep, inputCount, sparse, scratch, out)
    case 2: boxRow(Int16.self, rows, ranks, rowCount, factor, rankStep, inputCount, sparse, scratch, out)
    case 4: boxRow(Int32.self, rows, ranks, rowCount, factor, rankStep, inputCount, sparse, scratch, out)
    case 8: boxRow(Int64.self, rows, ranks, rowCount, factor, rankStep, inputCount, sparse, scratch, out)
    default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
    }
}

@inline(never)
private func boxRow<T: LabelBits>(
    _ type: T.Type,
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ ranks: UnsafePointer<Int>,
    _ rowCount: Int,
    _ factor: Int,
    _ rankStep: Int,
    _ inputCount: Int,
    _ sparse: Bool,
    _ scratch: UnsafeMutableRawPointer,
    _ out: UnsafeMutableRawPointer
) {
    let target = out.assumingMemoryBound(to: T.self)
    let factor = Swift.min(factor, inputCount)
    var i = 0
    let full = factor > 0 ? inputCount / factor : 0
    if rowCount <= modeColumnsLimit && factor <= modeColumnsLimit / rowCount {
        let columns = ModeColumns<T>(scratch: scratch)
        var r = 0
        while r < rowCount {
            let row = rows[r].assumingMemoryBound(to: T.self)
            var dx = 0
            while dx < factor {
                columns.addPlace(row + dx, rank: ranks[r] &+ dx &* rankStep)
                dx &+= 1
            }
            r &+= 1
        }
        columns.run(rows, rowCount, factor, full, sparse, target)
        i = full
    }
    // Only now: the columns used the same scratch memory.
    let tally = LabelTally<T>(scratch: scratch, boxVoxelCount: rowCount &* factor)
    var start = i &* factor
    while start < inputCount {
        let box: LabelBox = (
            rows: rows,
            ranks: ranks,
            rowCount: rowCount,
            start: start,
            end: start &+ Swift.min(factor, inputCount &- start),
            rankStep: rankStep,
            sparse: sparse
        )
        target[i] = mostFrequent(box, tally)
        start = box.end
        i &+= 1
    }
}

/// One box: the columns [start, end) of all rows. A tuple for the reason given at `CubeRows`.
private typealias LabelBox = (
    rows: UnsafePointer<UnsafeRawPointer>, ranks: UnsafePointer<Int>, rowCount: Int, start: Int, end: Int,
    rankStep: Int, sparse: Bool
)

@inline(__always)
private func mostFrequent<T: LabelBits>(_ box: LabelBox, _ tally: LabelTally<T>) -> T {
    tally.clear(voxelCount: box.rowCount &* (box.end &- box.start))
    if eachRun(T.self, box, { tally.add($0, count: $1, rank: $2) }) { return tally.winner }
    if T.bitWidth <= 16 {
        tally.clearWithSlotForEachLabel()
        _ = eachRun(T.self, box) { tally.add($0, count: $1, rank: $2) }
    } else {
        tally.clear(voxelCount: 0)
        _ = eachRun(T.self, box) { label, count, rank in
            tally.append(label, count, rank)
            return true
        }
        tally.mergeSorted()
    }
    return tally.winner
}

/// Calls `body` with label, length and lowest rank of runs of equal labels, a row's last run joined with
/// the next row's first; stops when it returns false.
@inline(__always)
private func eachRun<T: LabelBits>(_ type: T.Type, _ box: LabelBox, _ body: (T, Int, Int) -> Bool) -> Bool {
    var label = box.rows[0].assumingMemoryBound(to: T.self)[box.start]
    var length = 0
    var lowest = Int.max
    var r = 0
    while r < box.rowCount {
        let row = box.rows[r].assumingMemoryBound(to: T.self)
        var k = box.start
        while k < box.end {
            let runStart = k
            if row[k] != label {
                if length > 0 && !(box.sparse && label == 0) {
                    guard body(label, length, lowest) else { return false }
                }
                label = row[k]
                length = 0
                lowest = .max
            }
            while k < box.end && row[k] == label { k &+= 1 }
            length &+= k &- runStart
            lowest = Swift.min(lowest, box.ranks[r] &+ (runStart &- box.start) &* box.rankStep)
        }
        r &+= 1
    }
    return length == 0 || (box.sparse && label == 0) || body(label, length, lowest)
}
