// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * Boxes are full and made of 2^n voxels: `factor` (1 or 2) of each of `rowCount` (1, 2 or 4) rows.
// * sums[i] is the box's sum, voxels[i] is sums[i] / 2^shift; the caller proves that sums, and for rounding to
//   even sums plus half the divisor, fit their type.
// * Summing, storing and rendering are one pass: the row is read once and never leaves the registers.
// * A vector is read and written only where a line has as many voxels and outputs left as it has lanes (`inBlocks`).

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
    @inline(__always)
    func run<
        In: FixedWidthInteger & SIMDScalar,
        Pair: FixedWidthInteger & SIMDScalar,
        Sum: FixedWidthInteger & SIMDScalar,
        Image: FixedWidthInteger & SIMDScalar
    >(_: In.Type, _: Pair.Type, _: Sum.Type, _: Image.Type) {
        pairLines(
            In.self,
            Pair.self,
            rows,
            rowCount,
            factor,
            count,
            Sum(truncatingIfNeeded: shift),
            roundsToEven,
            lines,
            lineStep,
            outputPitch,
            near,
            far,
            sums?.assumingMemoryBound(to: Sum.self),
            voxels?.assumingMemoryBound(to: Image.self)
        )
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
    case (.u8, .u16, .u8): run(UInt8.self, UInt16.self, UInt16.self, UInt8.self)
    case (.u16, .u16, .u8): run(UInt16.self, UInt32.self, UInt16.self, UInt8.self)
    case (.u16, .u32, .u8): run(UInt16.self, UInt32.self, UInt32.self, UInt8.self)
    case (.u32, .u32, .u8): run(UInt32.self, UInt64.self, UInt32.self, UInt8.self)
    case (.u16, .u32, .u16): run(UInt16.self, UInt32.self, UInt32.self, UInt16.self)
    case (.u32, .u32, .u16): run(UInt32.self, UInt64.self, UInt32.self, UInt16.self)
    case (.i8, .i16, .i8): run(Int8.self, Int16.self, Int16.self, Int8.self)
    case (.i16, .i16, .i8): run(Int16.self, Int32.self, Int16.self, Int8.self)
    case (.i16, .i32, .i16): run(Int16.self, Int32.self, Int32.self, Int16.self)
    case (.i32, .i32, .i16): run(Int32.self, Int64.self, Int32.self, Int16.self)
    case (.u32, .u64, .u32): run(UInt32.self, UInt64.self, UInt64.self, UInt32.self)
    case (.i32, .i64, .i32): run(Int32.self, Int64.self, Int64.self, Int32.self)
    case (.u64, .u128, .u64) where sums == nil: runWide(UInt64.self)
    case (.i64, .i128, .i64) where sums == nil: runWide(Int64.self)
    default: return false
    }
    return true
}

/// The lines of one combination of types; `Pair` is twice as wide as `In`.
///
/// What decides about the code for a vector is asked here, before the lines, and is a constant from here on.
@inline(__always)
private func pairLines<
    In: FixedWidthInteger & SIMDScalar,
    Pair: FixedWidthInteger & SIMDScalar,
    Sum: FixedWidthInteger & SIMDScalar,
    Image: FixedWidthInteger & SIMDScalar
>(
    _: In.Type,
    _: Pair.Type,
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ rowCount: Int,
    _ factor: Int,
    _ count: Int,
    _ shift: Sum,
    _ roundsToEven: Bool,
    _ lines: Int,
    _ lineStep: Int,
    _ outputPitch: Int,
    _ near: UInt,
    _ far: UInt,
    _ sums: UnsafeMutablePointer<Sum>?,
    _ voxels: UnsafeMutablePointer<Image>?
) {
    @inline(__always)
    func walk<Box: PairBox>(_: Box.Type) {
        if roundsToEven {
            pairWalk(
                Box.self,
                ToEven.self,
                In.self,
                Pair.self,
                rows,
                count,
                shift,
                lines,
                lineStep,
                outputPitch,
                near,
                far,
                sums,
                voxels
            )
        } else {
            pairWalk(
                Box.self,
                TowardZero.self,
                In.self,
                Pair.self,
                rows,
                count,
                shift,
                lines,
                lineStep,
                outputPitch,
                near,
                far,
                sums,
                voxels
            )
        }
    }
    switch (rowCount, factor) {
    case (1, 2): walk(PairOfOneRow.self)
    case (2, 1): walk(ColumnOfTwo.self)
    case (2, 2): walk(PairOfTwoRows.self)
    case (4, 1): walk(ColumnOfFour.self)
    default: walk(PairOfFourRows.self)
    }
}

/// All lines of one kind of boxes.
@inline(__always)
private func pairWalk<
    Box: PairBox,
    Rounding: PairRounding,
    In: FixedWidthInteger & SIMDScalar,
    Pair: FixedWidthInteger & SIMDScalar,
    Sum: FixedWidthInteger & SIMDScalar,
    Image: FixedWidthInteger & SIMDScalar
>(
    _: Box.Type,
    _: Rounding.Type,
    _: In.Type,
    _: Pair.Type,
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ count: Int,
    _ shift: Sum,
    _ lines: Int,
    _ lineStep: Int,
    _ outputPitch: Int,
    _ near: UInt,
    _ far: UInt,
    _ sums: UnsafeMutablePointer<Sum>?,
    _ voxels: UnsafeMutablePointer<Image>?
) {
    for line in 0..<lines {
        let step = line &* lineStep
        let out = line &* outputPitch
        let a = rows[0] + step
        let b = rows[Box.rowCount > 1 ? 1 : 0] + step
        let c = rows[Box.rowCount > 2 ? 2 : 0] + step
        let d = rows[Box.rowCount > 2 ? 3 : 0] + step
        inRuns(
            count,
            bytes: Box.rowCount &* Box.factor &* MemoryLayout<In>.size,
            near: near == 0 ? 0 : near &+ UInt(bitPattern: step),
            far: far == 0 ? 0 : far &+ UInt(bitPattern: step)
        ) { begin, end in
            inBlocks(begin, end) { at in
                pairBlock(
                    Box.self,
                    Rounding.self,
                    SIMD32<In>.self,
                    SIMD16<In>.self,
                    SIMD16<Pair>.self,
                    SIMD16<Sum>.self,
                    SIMD16<Image>.self,
                    a,
                    b,
                    c,
                    d,
                    at,
                    out,
                    shift,
                    sums,
                    voxels
                )
            } eight: { at in
                pairBlock(
                    Box.self,
                    Rounding.self,
                    SIMD16<In>.self,
                    SIMD8<In>.self,
                    SIMD8<Pair>.self,
                    SIMD8<Sum>.self,
                    SIMD8<Image>.self,
                    a,
                    b,
                    c,
                    d,
                    at,
                    out,
                    shift,
                    sums,
                    voxels
                )
            } two: { at in
                pairBlock(
                    Box.self,
                    Rounding.self,
                    SIMD4<In>.self,
                    SIMD2<In>.self,
                    SIMD2<Pair>.self,
                    SIMD2<Sum>.self,
                    SIMD2<Image>.self,
                    a,
                    b,
                    c,
                    d,
                    at,
                    out,
                    shift,
                    sums,
                    voxels
                )
            } one: { at in
                pairVoxel(Box.self, Rounding.self, In.self, a, b, c, d, at, out, shift, sums, voxels)
            }
        }
    }
}

/// Outputs of a line from `at` on, as many as the vectors have lanes; `out` is where the line's outputs begin.
@inline(__always)
private func pairBlock<
    Box: PairBox,
    Rounding: PairRounding,
    Row: SIMD,
    Column: SIMD,
    Pairs: SIMD,
    Sums: SIMD,
    Images: SIMD
>(
    _: Box.Type,
    _: Rounding.Type,
    _: Row.Type,
    _: Column.Type,
    _: Pairs.Type,
    _: Sums.Type,
    _: Images.Type,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    _ at: Int,
    _ out: Int,
    _ shift: Sums.Scalar,
    _ sums: UnsafeMutablePointer<Sums.Scalar>?,
    _ voxels: UnsafeMutablePointer<Images.Scalar>?
)
where
    Row.Scalar: FixedWidthInteger, Column.Scalar == Row.Scalar, Pairs.Scalar: FixedWidthInteger,
    Sums.Scalar: FixedWidthInteger, Images.Scalar: FixedWidthInteger
{
    let offset = at &* Box.factor &* MemoryLayout<Row.Scalar>.size
    let sum: Sums =
        Box.factor == 2
        ? pairSums(Box.self, Row.self, Pairs.self, a, b, c, d, offset)
        : columnSums(Box.self, Column.self, a, b, c, d, offset)
    if let sums { UnsafeMutableRawPointer(sums + (out &+ at)).storeBytes(of: sum, as: Sums.self) }
    if let voxels {
        let images: Images = lanes(shifted(Rounding.self, sum, by: shift))
        UnsafeMutableRawPointer(voxels + (out &+ at)).storeBytes(of: images, as: Images.self)
    }
}

/// One output.
@inline(__always)
private func pairVoxel<
    Box: PairBox,
    Rounding: PairRounding,
    In: FixedWidthInteger,
    Sum: FixedWidthInteger,
    Image: FixedWidthInteger
>(
    _: Box.Type,
    _: Rounding.Type,
    _: In.Type,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    _ at: Int,
    _ out: Int,
    _ shift: Sum,
    _ sums: UnsafeMutablePointer<Sum>?,
    _ voxels: UnsafeMutablePointer<Image>?
) {
    @inline(__always)
    func box(_ row: UnsafeRawPointer) -> Sum {
        let row = row.assumingMemoryBound(to: In.self) + at &* Box.factor
        let first = Sum(truncatingIfNeeded: row[0])
        return Box.factor == 2 ? first &+ Sum(truncatingIfNeeded: row[1]) : first
    }
    var sum = box(a)
    if Box.rowCount > 1 { sum &+= box(b) }
    if Box.rowCount > 2 { sum &+= box(c) &+ box(d) }
    if let sums { sums[out &+ at] = sum }
    if let voxels {
        let mean = Rounding.toEven ? shiftedToEven(sum, by: shift) : shiftedTowardZero(sum, by: shift)
        voxels[out &+ at] = Image(truncatingIfNeeded: mean)
    }
}
