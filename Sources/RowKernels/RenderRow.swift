// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * A rendered voxel is sum / divisor: truncated toward zero, or rounded to nearest with ties to even.
// * Divisors are above 0 and no larger than a sum's type holds; the caller proves that the quotient fits the
//   image's type, and, for powers of two rounded to even, that a sum plus half its divisor fits the sum's.
// * Sums below 2^52 are divided as doubles, which is exact: a quotient that is no integer and no tie is further
//   from the next one than a double's rounding error.

/// Turns sums into voxels: `sums[i] / divisor`, and `/ lastDivisor` for the last of them.
///
/// * `sum`: ``RowType`` of the sums.
/// * `image`: ``RowType`` of the voxels: as signed as the sums.
/// * `sumBits`: No sum has more magnitude bits than this.
package func renderRow(
    sum: UInt8,
    image: UInt8,
    sums: UnsafeRawPointer,
    count: Int,
    divisor: Int,
    lastDivisor: Int,
    sumBits: Int,
    roundsToEven: Bool,
    into voxels: UnsafeMutableRawPointer
) {
    let row = RenderedRow(
        sums: sums,
        voxels: voxels,
        count: count,
        divisor: divisor,
        lastDivisor: lastDivisor,
        fitsDouble: sumBits < 52,
        roundsToEven: roundsToEven
    )
    switch RowType(rawValue: image) {
    case .u8: row.unsigned(sum, UInt8.self)
    case .u16: row.unsigned(sum, UInt16.self)
    case .u32: row.unsigned(sum, UInt32.self)
    case .u64: row.unsigned(sum, UInt64.self)
    case .i8: row.signed(sum, Int8.self)
    case .i16: row.signed(sum, Int16.self)
    case .i32: row.signed(sum, Int32.self)
    default: row.signed(sum, Int64.self)
    }
}

private struct RenderedRow {
    let sums: UnsafeRawPointer
    let voxels: UnsafeMutableRawPointer
    let count: Int
    let divisor: Int
    let lastDivisor: Int
    let fitsDouble: Bool
    let roundsToEven: Bool

    @inline(__always)
    func unsigned<Image: FixedWidthInteger>(_ sum: UInt8, _ image: Image.Type) {
        switch RowType(rawValue: sum) {
        case .u16: render(UInt16.self, image)
        case .u32: render(UInt32.self, image)
        case .u64: render(UInt64.self, image)
        default: render(UInt128.self, image)
        }
    }

    @inline(__always)
    func signed<Image: FixedWidthInteger>(_ sum: UInt8, _ image: Image.Type) {
        switch RowType(rawValue: sum) {
        case .i16: render(Int16.self, image)
        case .i32: render(Int32.self, image)
        case .i64: render(Int64.self, image)
        default: render(Int128.self, image)
        }
    }

    @inline(__always)
    private func render<Sum: FixedWidthInteger, Image: FixedWidthInteger>(_: Sum.Type, _: Image.Type) {
        let sums = sums.assumingMemoryBound(to: Sum.self)
        let voxels = voxels.assumingMemoryBound(to: Image.self)
        let interior = lastDivisor == divisor ? count : count - 1
        if divisor & (divisor - 1) == 0 {
            let shift = Sum(truncatingIfNeeded: divisor.trailingZeroBitCount)
            if divisor == 1 {
                for i in 0..<interior { voxels[i] = Image(truncatingIfNeeded: sums[i]) }
            } else if roundsToEven {
                for i in 0..<interior {
                    voxels[i] = Image(truncatingIfNeeded: shiftedToEven(sums[i], by: shift))
                }
            } else {
                for i in 0..<interior {
                    voxels[i] = Image(truncatingIfNeeded: shiftedTowardZero(sums[i], by: shift))
                }
            }
        } else if fitsDouble, Sum.bitWidth <= 64 {
            let divisor = Double(divisor)
            if roundsToEven {
                for i in 0..<interior {
                    voxels[i] = Image(truncatingIfNeeded: nearestEven(Double(sums[i]) / divisor))
                }
            } else {
                for i in 0..<interior {
                    voxels[i] = Image(truncatingIfNeeded: towardZero(Double(sums[i]) / divisor))
                }
            }
        } else {
            let divisor = Sum(truncatingIfNeeded: divisor)
            for i in 0..<interior {
                voxels[i] = Image(truncatingIfNeeded: quotient(sums[i], divisor, toEven: roundsToEven))
            }
        }
        if interior < count {
            let divisor = Sum(truncatingIfNeeded: lastDivisor)
            voxels[interior] = Image(
                truncatingIfNeeded: quotient(sums[interior], divisor, toEven: roundsToEven)
            )
        }
    }
}

/// Turns sums and counts into voxels: `sums[i] / counts[i]`, 0 where the count is 0.
///
/// * `sum`: ``RowType`` of the sums.
/// * `countType`: ``RowType`` of the counts: `u16`, `u32` or `u64`.
/// * `image`: ``RowType`` of the voxels: as signed as the sums.
/// * `sumBits`: No sum has more magnitude bits than this.
package func renderSparseRow(
    sum: UInt8,
    countType: UInt8,
    image: UInt8,
    sums: UnsafeRawPointer,
    counts: UnsafeRawPointer,
    count: Int,
    sumBits: Int,
    roundsToEven: Bool,
    into voxels: UnsafeMutableRawPointer
) {
    let row = SparseRow(
        sums: sums,
        counts: counts,
        voxels: voxels,
        count: count,
        sum: sum,
        countType: countType,
        fitsDouble: sumBits < 52,
        roundsToEven: roundsToEven
    )
    switch RowType(rawValue: image) {
    case .u8: row.unsigned(UInt8.self)
    case .u16: row.unsigned(UInt16.self)
    case .u32: row.unsigned(UInt32.self)
    case .u64: row.unsigned(UInt64.self)
    case .i8: row.signed(Int8.self)
    case .i16: row.signed(Int16.self)
    case .i32: row.signed(Int32.self)
    default: row.signed(Int64.self)
    }
}

private struct SparseRow {
    let sums: UnsafeRawPointer
    let counts: UnsafeRawPointer
    let voxels: UnsafeMutableRawPointer
    let count: Int
    let sum: UInt8
    let countType: UInt8
    let fitsDouble: Bool
    let roundsToEven: Bool

    @inline(__always)
    func unsigned<Image: FixedWidthInteger>(_ image: Image.Type) {
        switch RowType(rawValue: sum) {
        case .u16: counted(UInt16.self, image)
        case .u32: counted(UInt32.self, image)
        case .u64: counted(UInt64.self, image)
        default: counted(UInt128.self, image)
        }
    }

    @inline(__always)
    func signed<Image: FixedWidthInteger>(_ image: Image.Type) {
        switch RowType(rawValue: sum) {
        case .i16: counted(Int16.self, image)
        case .i32: counted(Int32.self, image)
        case .i64: counted(Int64.self, image)
        default: counted(Int128.self, image)
        }
    }

    @inline(__always)
    private func counted<Sum: FixedWidthInteger, Image: FixedWidthInteger>(
        _ sum: Sum.Type,
        _ image: Image.Type
    ) {
        switch RowType(rawValue: countType) {
        case .u16: render(sum, UInt16.self, image)
        case .u32: render(sum, UInt32.self, image)
        default: render(sum, UInt64.self, image)
        }
    }

    @inline(__always)
    private func render<Sum: FixedWidthInteger, Count: FixedWidthInteger, Image: FixedWidthInteger>(
        _: Sum.Type,
        _: Count.Type,
        _: Image.Type
    ) {
        let sums = sums.assumingMemoryBound(to: Sum.self)
        let counts = counts.assumingMemoryBound(to: Count.self)
        let voxels = voxels.assumingMemoryBound(to: Image.self)
        if fitsDouble, Sum.bitWidth <= 64 {
            // Where the count is 0 the sum is 0 too: 0 / 1.
            if roundsToEven {
                for i in 0..<count {
                    let divisor = Double(counts[i] | (counts[i] == 0 ? 1 : 0))
                    voxels[i] = Image(truncatingIfNeeded: nearestEven(Double(sums[i]) / divisor))
                }
            } else {
                for i in 0..<count {
                    let divisor = Double(counts[i] | (counts[i] == 0 ? 1 : 0))
                    voxels[i] = Image(truncatingIfNeeded: towardZero(Double(sums[i]) / divisor))
                }
            }
        } else {
            for i in 0..<count {
                let divisor = Sum(truncatingIfNeeded: max(counts[i], 1))
                voxels[i] = Image(truncatingIfNeeded: quotient(sums[i], divisor, toEven: roundsToEven))
            }
        }
    }
}

/// The low bits of the integer next to `mean`, ties to even, for |mean| < 2^51.
///
/// Adding 1.5 * 2^52 leaves no bits for a fraction: the addition itself rounds, and the integer is the low part
/// of the sum's bits. Unlike a conversion it has no case that traps, so the loop around it vectorises.
@inline(__always)
private func nearestEven(_ mean: Double) -> UInt64 {
    (mean + 0x1.8p52).bitPattern
}

/// The low bits of `mean` without its fraction, for |mean| < 2^51.
@inline(__always)
private func towardZero(_ mean: Double) -> UInt64 {
    let nearest = (mean + 0x1.8p52) - 0x1.8p52
    let over = mean >= 0 ? (nearest > mean ? 1.0 : 0.0) : (nearest < mean ? -1.0 : 0.0)
    return (nearest - over + 0x1.8p52).bitPattern
}

@inline(__always)
func shiftedTowardZero<Sum: FixedWidthInteger>(_ sum: Sum, by shift: Sum) -> Sum {
    guard Sum.isSigned else { return sum &>> shift }
    let bias = (sum &>> Sum(truncatingIfNeeded: Sum.bitWidth - 1)) & ((1 &<< shift) &- 1)
    return (sum &+ bias) &>> shift
}

/// For shifts of 1 and more.
@inline(__always)
func shiftedToEven<Sum: FixedWidthInteger>(_ sum: Sum, by shift: Sum) -> Sum {
    let odd = (sum &>> shift) & 1
    return (sum &+ ((1 &<< (shift &- 1)) &- 1) &+ odd) &>> shift
}

@inline(__always)
private func quotient<Sum: FixedWidthInteger>(_ sum: Sum, _ divisor: Sum, toEven: Bool) -> Sum {
    var (quotient, remainder) = sum.quotientAndRemainder(dividingBy: divisor)
    guard toEven else { return quotient }
    if remainder < 0 {
        quotient &-= 1
        remainder &+= divisor
    }
    // remainder > divisor - remainder is 2 * remainder > divisor without its overflow.
    let rest = divisor &- remainder
    if remainder > rest || (remainder == rest && quotient & 1 == 1) { quotient &+= 1 }
    return quotient
}
