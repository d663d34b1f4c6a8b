// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * The rules of `PairBlocks.swift`; boxes of 2, 4 or 8 voxels of 8 or 16 bits, so sums have 19 bits at most.
// * A mean is a quotient of floats, rounded to nearest, ties to even, by an addition. Cut toward 0 it is the integer
//   next to (2s + 1 - c) / 2c for a sum s and a count c: an odd number of 2c-ths from the next tie, so 1/16 at
//   least, while the quotient's own error is below 2^-8.
// * Where the count is 0 the sum is 0 too: 0 / 1.

/// Averages the voxels that are not 0 of the full boxes of several output rows in one pass.
///
/// * `input`: ``RowType`` of the rows and the voxels: `u8` or `u16`.
/// * `sums`, `counts`: Where they go, if they are carried on: `u16` of `u8` and `u32` of `u16`; counts are `u16`.
///
/// All else is as in ``averagePairs``.
/// - Returns: `false`, with nothing done, for boxes and types that have no loop of their own.
package func averageSparsePairs(
    input: UInt8,
    rows: UnsafePointer<UnsafeRawPointer>,
    rowCount: Int,
    factor: Int,
    count: Int,
    roundsToEven: Bool,
    lines: Int,
    lineStep: Int,
    outputPitch: Int,
    near: UInt,
    far: UInt,
    sums: UnsafeMutableRawPointer?,
    counts: UnsafeMutableRawPointer?,
    voxels: UnsafeMutableRawPointer
) -> Bool {
    guard factor == 2 else { return false }
    @inline(__always)
    func run<
        Box: PairBox,
        In: UnsignedInteger & FixedWidthInteger & SIMDScalar,
        Sum: UnsignedInteger & FixedWidthInteger & SIMDScalar
    >(
        _: Box.Type,
        _: In.Type,
        _: Sum.Type
    ) {
        let sums = sums?.assumingMemoryBound(to: Sum.self)
        let counts = counts?.assumingMemoryBound(to: UInt16.self)
        let voxels = voxels.assumingMemoryBound(to: In.self)
        if roundsToEven {
            sparseWalk(
                Box.self,
                ToEven.self,
                In.self,
                Sum.self,
                rows,
                count,
                lines,
                lineStep,
                outputPitch,
                near,
                far,
                sums,
                counts,
                voxels
            )
        } else {
            sparseWalk(
                Box.self,
                TowardZero.self,
                In.self,
                Sum.self,
                rows,
                count,
                lines,
                lineStep,
                outputPitch,
                near,
                far,
                sums,
                counts,
                voxels
            )
        }
    }
    switch (RowType(rawValue: input), rowCount) {
    case (.u8, 1): run(PairOfOneRow.self, UInt8.self, UInt16.self)
    case (.u8, 2): run(PairOfTwoRows.self, UInt8.self, UInt16.self)
    case (.u8, 4): run(PairOfFourRows.self, UInt8.self, UInt16.self)
    case (.u16, 1): run(PairOfOneRow.self, UInt16.self, UInt32.self)
    case (.u16, 2): run(PairOfTwoRows.self, UInt16.self, UInt32.self)
    case (.u16, 4): run(PairOfFourRows.self, UInt16.self, UInt32.self)
    default: return false
    }
    return true
}

@inline(__always)
private func sparseWalk<
    Box: PairBox,
    Rounding: PairRounding,
    In: FixedWidthInteger & SIMDScalar,
    Sum: FixedWidthInteger & SIMDScalar
>(
    _: Box.Type,
    _: Rounding.Type,
    _: In.Type,
    _: Sum.Type,
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ count: Int,
    _ lines: Int,
    _ lineStep: Int,
    _ outputPitch: Int,
    _ near: UInt,
    _ far: UInt,
    _ sums: UnsafeMutablePointer<Sum>?,
    _ counts: UnsafeMutablePointer<UInt16>?,
    _ voxels: UnsafeMutablePointer<In>
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
            bytes: Box.rowCount &* 2 &* MemoryLayout<In>.size,
            near: near == 0 ? 0 : near &+ UInt(bitPattern: step),
            far: far == 0 ? 0 : far &+ UInt(bitPattern: step)
        ) { begin, end in
            inBlocks(begin, end) { at in
                sparseBlock(
                    Box.self,
                    Rounding.self,
                    SIMD16<Sum>.self,
                    SIMD16<UInt16>.self,
                    SIMD16<Int32>.self,
                    SIMD16<Float>.self,
                    SIMD16<In>.self,
                    a,
                    b,
                    c,
                    d,
                    at,
                    out,
                    sums,
                    counts,
                    voxels
                )
            } eight: { at in
                sparseBlock(
                    Box.self,
                    Rounding.self,
                    SIMD8<Sum>.self,
                    SIMD8<UInt16>.self,
                    SIMD8<Int32>.self,
                    SIMD8<Float>.self,
                    SIMD8<In>.self,
                    a,
                    b,
                    c,
                    d,
                    at,
                    out,
                    sums,
                    counts,
                    voxels
                )
            } two: { at in
                sparseBlock(
                    Box.self,
                    Rounding.self,
                    SIMD2<Sum>.self,
                    SIMD2<UInt16>.self,
                    SIMD2<Int32>.self,
                    SIMD2<Float>.self,
                    SIMD2<In>.self,
                    a,
                    b,
                    c,
                    d,
                    at,
                    out,
                    sums,
                    counts,
                    voxels
                )
            } one: { at in
                sparseVoxel(Box.self, Rounding.self, a, b, c, d, at, out, sums, counts, voxels)
            }
        }
    }
}

/// Outputs of a line from `at` on, as many as the vectors have lanes; `out` is where the line's outputs begin.
///
/// `Pairs` has a lane of twice a voxel's width for each box, which is the width of its sum as well.
@inline(__always)
private func sparseBlock<
    Box: PairBox,
    Rounding: PairRounding,
    Pairs: SIMD,
    Counts: SIMD,
    Whole: SIMD,
    Floats: SIMD,
    Images: SIMD
>(
    _: Box.Type,
    _: Rounding.Type,
    _: Pairs.Type,
    _: Counts.Type,
    _: Whole.Type,
    _: Floats.Type,
    _: Images.Type,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    _ at: Int,
    _ out: Int,
    _ sums: UnsafeMutablePointer<Pairs.Scalar>?,
    _ counts: UnsafeMutablePointer<UInt16>?,
    _ voxels: UnsafeMutablePointer<Images.Scalar>
)
where
    Pairs.Scalar: FixedWidthInteger, Counts.Scalar == UInt16, Whole.Scalar == Int32, Floats.Scalar == Float,
    Images.Scalar: FixedWidthInteger
{
    let offset = at &* MemoryLayout<Pairs.Scalar>.size
    let half = Pairs(repeating: Pairs.Scalar(truncatingIfNeeded: Images.Scalar.bitWidth))
    let greatest = Pairs(repeating: (1 &<< Pairs.Scalar(truncatingIfNeeded: Images.Scalar.bitWidth)) &- 1)
    var sum = Pairs()
    var live = Pairs()
    // 1 of all but 0: what is more than the greatest voxel. Without a compare, whose loop would not become a vector.
    @inline(__always)
    func isLive(_ voxel: Pairs) -> Pairs { (voxel &+ greatest) &>> half }
    @inline(__always)
    func add(_ row: UnsafeRawPointer) {
        let pairs = (row + offset).loadUnaligned(as: Pairs.self)
        let low = pairs & greatest
        let high = pairs &>> half
        sum &+= low &+ high
        live &+= isLive(low) &+ isLive(high)
    }
    add(a)
    if Box.rowCount > 1 { add(b) }
    if Box.rowCount > 2 {
        add(c)
        add(d)
    }
    if let sums { UnsafeMutableRawPointer(sums + (out &+ at)).storeBytes(of: sum, as: Pairs.self) }
    if let counts {
        let count: Counts = lanes(live)
        UnsafeMutableRawPointer(counts + (out &+ at)).storeBytes(of: count, as: Counts.self)
    }
    let wideSum: Whole = lanes(sum)
    let wideCount: Whole = lanes(live &+ Pairs(repeating: 1) &- isLive(live))
    let mean: Floats
    if Rounding.toEven {
        mean = floats(wideSum) / floats(wideCount)
    } else {
        mean = floats(wideSum &+ wideSum &+ Whole(repeating: 1) &- wideCount) / floats(wideCount &+ wideCount)
    }
    // What is added leaves no bits for a fraction: the integer next to the mean is the low part of the bits.
    let images: Images = lanes(unsafeBitCast(mean + Floats(repeating: 0x1.8p23), to: Whole.self))
    UnsafeMutableRawPointer(voxels + (out &+ at)).storeBytes(of: images, as: Images.self)
}

@inline(__always)
private func floats<Whole: SIMD, Floats: SIMD>(_ whole: Whole) -> Floats
where Whole.Scalar == Int32, Floats.Scalar == Float {
    var result = Floats()
    for lane in 0..<Floats.scalarCount { result[lane] = Float(whole[lane]) }
    return result
}

/// One output.
@inline(__always)
private func sparseVoxel<Box: PairBox, Rounding: PairRounding, In: FixedWidthInteger, Sum: FixedWidthInteger>(
    _: Box.Type,
    _: Rounding.Type,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    _ at: Int,
    _ out: Int,
    _ sums: UnsafeMutablePointer<Sum>?,
    _ counts: UnsafeMutablePointer<UInt16>?,
    _ voxels: UnsafeMutablePointer<In>
) {
    var sum: Sum = 0
    var live: UInt16 = 0
    @inline(__always)
    func add(_ row: UnsafeRawPointer) {
        let pair = row.assumingMemoryBound(to: In.self) + 2 &* at
        sum &+= Sum(truncatingIfNeeded: pair[0]) &+ Sum(truncatingIfNeeded: pair[1])
        live &+= (pair[0] == 0 ? 0 : 1) &+ (pair[1] == 0 ? 0 : 1)
    }
    add(a)
    if Box.rowCount > 1 { add(b) }
    if Box.rowCount > 2 {
        add(c)
        add(d)
    }
    if let sums { sums[out &+ at] = sum }
    if let counts { counts[out &+ at] = live }
    let divisor = Sum(truncatingIfNeeded: max(live, 1))
    voxels[out &+ at] = In(truncatingIfNeeded: quotient(sum, divisor, toEven: Rounding.toEven))
}
