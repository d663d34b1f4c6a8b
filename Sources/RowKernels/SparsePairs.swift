// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * The rules of `AveragePairs.swift`, for pairs along the row (factor 2) of 2 or 4 rows.
// * counts[i] is the number of voxels that are not 0, or the sum of counts that came along; voxels[i] is
//   sums[i] / counts[i] without its fraction, 0 where the count is 0.
// * The caller proves that sums are below 2^23, so that floats divide them exactly (`RenderRow.swift`).

/// Sparse averages of the full boxes of several output rows in one pass.
///
/// * `input`, `sum`, `image`: ``RowType`` of the terms, the sums and the voxels.
/// * `inputCount`: ``RowType`` of the counts that came along; `nil` where the terms are voxels and are counted.
/// * `countType`: ``RowType`` of the counts that are made.
/// * `rows`, `countRows`: The rows of terms and of counts of the first output row; the next one's lie `lineStep` and
///   `countLineStep` bytes further.
/// * `count`: Outputs of a row; `outputPitch` from one output row to the next.
/// - Returns: `false`, with nothing done, for a combination that has no loop of its own.
package func averageSparsePairs(
    input: UInt8,
    sum: UInt8,
    image: UInt8,
    inputCount: UInt8?,
    countType: UInt8,
    rows: UnsafePointer<UnsafeRawPointer>,
    countRows: UnsafePointer<UnsafeRawPointer>,
    rowCount: Int,
    count: Int,
    lines: Int,
    lineStep: Int,
    countLineStep: Int,
    outputPitch: Int,
    sums: UnsafeMutableRawPointer?,
    counts: UnsafeMutableRawPointer?,
    voxels: UnsafeMutableRawPointer?
) -> Bool {
    guard rowCount == 2 || rowCount == 4, let voxels else { return false }
    @inline(__always)
    func run<In: FixedWidthInteger, Sum: FixedWidthInteger, Image: FixedWidthInteger, InCount, Count>(
        _: In.Type,
        _: Sum.Type,
        _: Image.Type,
        _: InCount.Type,
        _: Count.Type,
        _ term: (InCount) -> Count
    ) where Count: FixedWidthInteger {
        for line in 0..<lines {
            let out = line &* outputPitch
            sparseLine(
                rows,
                line &* lineStep,
                countRows,
                line &* countLineStep,
                rowCount,
                count,
                { Sum(truncatingIfNeeded: $0 as In) },
                term,
                sums.map { $0.assumingMemoryBound(to: Sum.self) + out },
                counts.map { $0.assumingMemoryBound(to: Count.self) + out },
                voxels.assumingMemoryBound(to: Image.self) + out
            )
        }
    }
    @inline(__always)
    func carry<In: FixedWidthInteger, Sum: FixedWidthInteger, Image: FixedWidthInteger>(
        _ input: In.Type,
        _ sum: Sum.Type,
        _ image: Image.Type
    ) -> Bool {
        switch (inputCount.flatMap(RowType.init), RowType(rawValue: countType)) {
        case (.u16?, .u16): run(input, sum, image, UInt16.self, UInt16.self) { $0 }
        case (.u16?, .u32):
            run(input, sum, image, UInt16.self, UInt32.self) { UInt32(truncatingIfNeeded: $0) }
        case (.u32?, .u32): run(input, sum, image, UInt32.self, UInt32.self) { $0 }
        default: return false
        }
        return true
    }
    switch (RowType(rawValue: input), RowType(rawValue: sum), RowType(rawValue: image)) {
    case (.u8, .u16, .u8) where inputCount == nil && countType == RowType.u16.rawValue:
        run(UInt8.self, UInt16.self, UInt8.self, UInt8.self, UInt16.self) { $0 == 0 ? 0 : 1 }
        return true
    case (.u16, .u32, .u16) where inputCount == nil && countType == RowType.u16.rawValue:
        run(UInt16.self, UInt32.self, UInt16.self, UInt16.self, UInt16.self) { $0 == 0 ? 0 : 1 }
        return true
    case (.u16, .u16, .u8): return carry(UInt16.self, UInt16.self, UInt8.self)
    case (.u16, .u32, .u8): return carry(UInt16.self, UInt32.self, UInt8.self)
    case (.u32, .u32, .u8): return carry(UInt32.self, UInt32.self, UInt8.self)
    case (.u32, .u32, .u16): return carry(UInt32.self, UInt32.self, UInt16.self)
    default: return false
    }
}

@inline(__always)
private func sparseLine<
    In,
    Sum: FixedWidthInteger,
    Image: FixedWidthInteger,
    InCount,
    Count: FixedWidthInteger
>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ shifted: Int,
    _ countRows: UnsafePointer<UnsafeRawPointer>,
    _ countShifted: Int,
    _ rowCount: Int,
    _ count: Int,
    _ wide: (In) -> Sum,
    _ counted: (InCount) -> Count,
    _ sums: UnsafeMutablePointer<Sum>?,
    _ counts: UnsafeMutablePointer<Count>?,
    _ voxels: UnsafeMutablePointer<Image>
) {
    let last = rowCount == 4 ? 3 : 0
    let a = (rows[0] + shifted).assumingMemoryBound(to: In.self)
    let b = (rows[1] + shifted).assumingMemoryBound(to: In.self)
    let c = (rows[min(last, 2)] + shifted).assumingMemoryBound(to: In.self)
    let d = (rows[last] + shifted).assumingMemoryBound(to: In.self)
    let p = (countRows[0] + countShifted).assumingMemoryBound(to: InCount.self)
    let q = (countRows[1] + countShifted).assumingMemoryBound(to: InCount.self)
    let r = (countRows[min(last, 2)] + countShifted).assumingMemoryBound(to: InCount.self)
    let s = (countRows[last] + countShifted).assumingMemoryBound(to: InCount.self)
    @inline(__always)
    func pair(_ row: UnsafePointer<In>, _ i: Int) -> Sum { wide(row[2 &* i]) &+ wide(row[2 &* i &+ 1]) }
    @inline(__always)
    func countPair(_ row: UnsafePointer<InCount>, _ i: Int) -> Count {
        counted(row[2 &* i]) &+ counted(row[2 &* i &+ 1])
    }
    @inline(__always)
    func render(_ sum: Sum, _ count: Count) -> Image {
        let divisor = Float(Int32(truncatingIfNeeded: count | (count == 0 ? 1 : 0)))
        return Image(truncatingIfNeeded: towardZero(Float(Int32(truncatingIfNeeded: sum)) / divisor))
    }
    @inline(__always)
    func store(_ sum: (Int) -> Sum, _ countOf: (Int) -> Count) {
        if let sums, let counts {
            for i in 0..<count {
                let total = sum(i)
                let found = countOf(i)
                sums[i] = total
                counts[i] = found
                voxels[i] = render(total, found)
            }
        } else {
            for i in 0..<count { voxels[i] = render(sum(i), countOf(i)) }
        }
    }
    if rowCount == 2 {
        store {
            pair(a, $0) &+ pair(b, $0)
        } _: {
            countPair(p, $0) &+ countPair(q, $0)
        }
    } else {
        store {
            (pair(a, $0) &+ pair(b, $0)) &+ (pair(c, $0) &+ pair(d, $0))
        } _: {
            (countPair(p, $0) &+ countPair(q, $0)) &+ (countPair(r, $0) &+ countPair(s, $0))
        }
    }
}
