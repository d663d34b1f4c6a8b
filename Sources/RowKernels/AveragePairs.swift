// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * Boxes are full and made of 2^n voxels: `factor` (1 or 2) of each of `rowCount` (1, 2 or 4) rows.
// * sums[i] is the box's sum, voxels[i] is sums[i] / 2^shift; the caller proves that sums, and for rounding to
//   even sums plus half the divisor, fit their type.
// * Summing, storing and rendering are one pass: the row is read once and never leaves the registers.

/// Averages the full boxes of several output rows in one pass.
///
/// * `input`: ``RowType`` of the rows.
/// * `sum`: ``RowType`` of the sums: as signed as `input` and at least as wide.
/// * `image`: ``RowType`` of the voxels.
/// * `rows`: The input rows of the first output row.
/// * `count`: Outputs of a row; every input row has `count * factor` voxels.
/// * `lines`: Output rows; the input rows of the next one lie `lineStep` bytes further, its outputs `outputPitch`
///   voxels.
/// * `near`, `far`: Where the first line's reading ahead begins, see ``inRuns``; the next line's is `lineStep` further.
/// * `sums`: Where sums go, if they are carried on.
/// * `voxels`: Where voxels go, if they are wanted.
/// - Returns: `false`, with nothing done, for a combination that has no loop of its own: then ``sumRows`` and
///   ``renderRow`` do.
package func averagePairs(
    input: UInt8,
    sum: UInt8,
    image: UInt8,
    rows: UnsafePointer<UnsafeRawPointer>,
    rowCount: Int,
    factor: Int,
    count: Int,
    shift: Int,
    roundsToEven: Bool,
    lines: Int,
    lineStep: Int,
    outputPitch: Int,
    near: UInt,
    far: UInt,
    sums: UnsafeMutableRawPointer?,
    voxels: UnsafeMutableRawPointer?
) -> Bool {
    guard shift >= 1, factor == 2 || factor == 1 && rowCount > 1,
        rowCount == 1 || rowCount == 2 || rowCount == 4
    else { return false }
    let a = rows[0]
    let b = rows[rowCount > 1 ? 1 : 0]
    let c = rows[rowCount > 2 ? 2 : 0]
    let d = rows[rowCount > 2 ? 3 : 0]
    @inline(__always)
    func run<In: FixedWidthInteger, Sum: FixedWidthInteger, Image: FixedWidthInteger>(
        _: In.Type,
        _ sumType: Sum.Type,
        _: Image.Type
    ) {
        for line in 0..<lines {
            let shifted = line &* lineStep
            let out = line &* outputPitch
            let ahead = UInt(bitPattern: shifted)
            pairLine(
                (a + shifted).assumingMemoryBound(to: In.self),
                (b + shifted).assumingMemoryBound(to: In.self),
                (c + shifted).assumingMemoryBound(to: In.self),
                (d + shifted).assumingMemoryBound(to: In.self),
                rowCount,
                factor,
                count,
                Sum(truncatingIfNeeded: shift),
                roundsToEven,
                near == 0 ? 0 : near &+ ahead,
                far == 0 ? 0 : far &+ ahead,
                sums.map { $0.assumingMemoryBound(to: Sum.self) + out },
                voxels.map { $0.assumingMemoryBound(to: Image.self) + out }
            )
        }
    }
    @inline(__always)
    func runWide<Voxel: FixedWidthInteger>(_: Voxel.Type) {
        guard let voxels else { return }
        for line in 0..<lines {
            wideLine(
                rows,
                line &* lineStep,
                rowCount,
                factor,
                count,
                Voxel(truncatingIfNeeded: shift),
                roundsToEven,
                near == 0 ? 0 : near &+ UInt(bitPattern: line &* lineStep),
                far == 0 ? 0 : far &+ UInt(bitPattern: line &* lineStep),
                voxels.assumingMemoryBound(to: Voxel.self) + line &* outputPitch
            )
        }
    }
    switch (RowType(rawValue: input), RowType(rawValue: sum), RowType(rawValue: image)) {
    case (.u8, .u16, .u8): run(UInt8.self, UInt16.self, UInt8.self)
    case (.u16, .u16, .u8): run(UInt16.self, UInt16.self, UInt8.self)
    case (.u16, .u32, .u8): run(UInt16.self, UInt32.self, UInt8.self)
    case (.u32, .u32, .u8): run(UInt32.self, UInt32.self, UInt8.self)
    case (.u16, .u32, .u16): run(UInt16.self, UInt32.self, UInt16.self)
    case (.u32, .u32, .u16): run(UInt32.self, UInt32.self, UInt16.self)
    case (.i8, .i16, .i8): run(Int8.self, Int16.self, Int8.self)
    case (.i16, .i16, .i8): run(Int16.self, Int16.self, Int8.self)
    case (.i16, .i32, .i16): run(Int16.self, Int32.self, Int16.self)
    case (.i32, .i32, .i16): run(Int32.self, Int32.self, Int16.self)
    case (.u32, .u64, .u32): run(UInt32.self, UInt64.self, UInt32.self)
    case (.i32, .i64, .i32): run(Int32.self, Int64.self, Int32.self)
    case (.u64, .u128, .u64) where sums == nil: runWide(UInt64.self)
    case (.i64, .i128, .i64) where sums == nil: runWide(Int64.self)
    default: return false
    }
    return true
}

@inline(__always)
private func pairLine<In: FixedWidthInteger, Sum: FixedWidthInteger, Image: FixedWidthInteger>(
    _ a: UnsafePointer<In>,
    _ b: UnsafePointer<In>,
    _ c: UnsafePointer<In>,
    _ d: UnsafePointer<In>,
    _ rowCount: Int,
    _ factor: Int,
    _ count: Int,
    _ shift: Sum,
    _ roundsToEven: Bool,
    _ near: UInt,
    _ far: UInt,
    _ sums: UnsafeMutablePointer<Sum>?,
    _ voxels: UnsafeMutablePointer<Image>?
) {
    @inline(__always)
    func wide(_ voxel: In) -> Sum { Sum(truncatingIfNeeded: voxel) }
    @inline(__always)
    func pair(_ row: UnsafePointer<In>, _ i: Int) -> Sum { wide(row[2 &* i]) &+ wide(row[2 &* i &+ 1]) }
    @inline(__always)
    func store(_ rows: Int, _ sum: (Int) -> Sum) {
        storeLine(count, rows &* MemoryLayout<In>.size, shift, roundsToEven, near, far, sums, voxels, sum)
    }
    switch (rowCount, factor) {
    case (1, 2): store(2) { pair(a, $0) }
    case (2, 1): store(2) { wide(a[$0]) &+ wide(b[$0]) }
    case (2, 2): store(4) { pair(a, $0) &+ pair(b, $0) }
    case (4, 1): store(4) { (wide(a[$0]) &+ wide(b[$0])) &+ (wide(c[$0]) &+ wide(d[$0])) }
    default: store(8) { (pair(a, $0) &+ pair(b, $0)) &+ (pair(c, $0) &+ pair(d, $0)) }
    }
}

@inline(__always)
private func storeLine<Sum: FixedWidthInteger, Image: FixedWidthInteger>(
    _ count: Int,
    _ bytes: Int,
    _ shift: Sum,
    _ roundsToEven: Bool,
    _ near: UInt,
    _ far: UInt,
    _ sums: UnsafeMutablePointer<Sum>?,
    _ voxels: UnsafeMutablePointer<Image>?,
    _ sum: (Int) -> Sum
) {
    switch (sums, voxels) {
    case (let sums?, let voxels?):
        if roundsToEven {
            inRuns(count, bytes: bytes, near: near, far: far) { begin, end in
                for i in begin..<end { sums[i] = sum(i) }
                for i in begin..<end {
                    voxels[i] = Image(truncatingIfNeeded: shiftedToEven(sums[i], by: shift))
                }
            }
        } else {
            inRuns(count, bytes: bytes, near: near, far: far) { begin, end in
                for i in begin..<end { sums[i] = sum(i) }
                for i in begin..<end {
                    voxels[i] = Image(truncatingIfNeeded: shiftedTowardZero(sums[i], by: shift))
                }
            }
        }
    case (nil, let voxels?):
        if roundsToEven {
            inPieces(count, bytes: bytes, near: near, far: far) { i in
                voxels[i] = Image(truncatingIfNeeded: shiftedToEven(sum(i), by: shift))
            }
        } else {
            inPieces(count, bytes: bytes, near: near, far: far) { i in
                voxels[i] = Image(truncatingIfNeeded: shiftedTowardZero(sum(i), by: shift))
            }
        }
    case (let sums?, nil):
        inPieces(count, bytes: bytes, near: near, far: far) { i in sums[i] = sum(i) }
    case (nil, nil):
        break
    }
}
