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
    _ sums: UnsafeMutablePointer<Sum>?,
    _ voxels: UnsafeMutablePointer<Image>?
) {
    @inline(__always)
    func wide(_ voxel: In) -> Sum { Sum(truncatingIfNeeded: voxel) }
    @inline(__always)
    func pair(_ row: UnsafePointer<In>, _ i: Int) -> Sum { wide(row[2 &* i]) &+ wide(row[2 &* i &+ 1]) }
    @inline(__always)
    func store(_ sum: (Int) -> Sum) { storeLine(count, shift, roundsToEven, sums, voxels, sum) }
    switch (rowCount, factor) {
    case (1, 2): store { pair(a, $0) }
    case (2, 1): store { wide(a[$0]) &+ wide(b[$0]) }
    case (2, 2): store { pair(a, $0) &+ pair(b, $0) }
    case (4, 1): store { (wide(a[$0]) &+ wide(b[$0])) &+ (wide(c[$0]) &+ wide(d[$0])) }
    default: store { (pair(a, $0) &+ pair(b, $0)) &+ (pair(c, $0) &+ pair(d, $0)) }
    }
}

@inline(__always)
private func storeLine<Sum: FixedWidthInteger, Image: FixedWidthInteger>(
    _ count: Int,
    _ shift: Sum,
    _ roundsToEven: Bool,
    _ sums: UnsafeMutablePointer<Sum>?,
    _ voxels: UnsafeMutablePointer<Image>?,
    _ sum: (Int) -> Sum
) {
    switch (sums, voxels) {
    case (let sums?, let voxels?):
        if roundsToEven {
            for i in 0..<count {
                let total = sum(i)
                sums[i] = total
                voxels[i] = Image(truncatingIfNeeded: shiftedToEven(total, by: shift))
            }
        } else {
            for i in 0..<count {
                let total = sum(i)
                sums[i] = total
                voxels[i] = Image(truncatingIfNeeded: shiftedTowardZero(total, by: shift))
            }
        }
    case (nil, let voxels?):
        if roundsToEven {
            for i in 0..<count { voxels[i] = Image(truncatingIfNeeded: shiftedToEven(sum(i), by: shift)) }
        } else {
            for i in 0..<count { voxels[i] = Image(truncatingIfNeeded: shiftedTowardZero(sum(i), by: shift)) }
        }
    case (let sums?, nil):
        for i in 0..<count { sums[i] = sum(i) }
    case (nil, nil):
        break
    }
}

/// 64-bit means without 128-bit sums: the parts above and below 2^bits are added up apart.
@inline(__always)
private func wideLine<Voxel: FixedWidthInteger>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ shifted: Int,
    _ rowCount: Int,
    _ factor: Int,
    _ count: Int,
    _ bits: Voxel,
    _ roundsToEven: Bool,
    _ voxels: UnsafeMutablePointer<Voxel>
) {
    let mask = (1 &<< bits) &- 1 as Voxel
    let half = 1 &<< (bits &- 1) as Voxel
    for i in 0..<count {
        var high: Voxel = 0
        var low: Voxel = 0
        for r in 0..<rowCount {
            let row = (rows[r] + shifted).assumingMemoryBound(to: Voxel.self)
            let first = row[i &* factor]
            high &+= first &>> bits
            low &+= first & mask
            if factor == 2 {
                let next = row[i &* 2 &+ 1]
                high &+= next &>> bits
                low &+= next & mask
            }
        }
        // low < 2^(2 * bits), so it is never negative; floor is high + low / 2^bits.
        let floor = high &+ (low &>> bits)
        let rest = low & mask
        if roundsToEven {
            voxels[i] = floor &+ (rest > half || (rest == half && floor & 1 == 1) ? 1 : 0)
        } else {
            voxels[i] = floor &+ (floor < 0 && rest != 0 ? 1 : 0)
        }
    }
}
