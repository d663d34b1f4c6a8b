// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * A rendered voxel is sum / divisor: truncated toward zero, or rounded to nearest with ties to even.
// * Divisors are above 0 and no larger than a sum's type holds; the caller proves that the quotient fits the
//   image's type, and, for powers of two rounded to even, that a sum plus half its divisor fits the sum's.
// * Sums below 2^52 are divided as doubles, and below 2^23 as floats, which is exact: a quotient that is no integer and no tie is further
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
    @inline(__always)
    func run<Sum: FixedWidthInteger, Image: FixedWidthInteger>(_: Sum.Type, _: Image.Type) {
        renderLine(
            sums.assumingMemoryBound(to: Sum.self),
            count,
            divisor,
            lastDivisor,
            sumBits < 52,
            roundsToEven,
            voxels.assumingMemoryBound(to: Image.self)
        )
    }
    @inline(__always)
    func runUnsigned<Image: FixedWidthInteger>(_ type: Image.Type) {
        switch RowType(rawValue: sum) {
        case .u16: run(UInt16.self, type)
        case .u32: run(UInt32.self, type)
        case .u64: run(UInt64.self, type)
        default: run(UInt128.self, type)
        }
    }
    @inline(__always)
    func runSigned<Image: FixedWidthInteger>(_ type: Image.Type) {
        switch RowType(rawValue: sum) {
        case .i16: run(Int16.self, type)
        case .i32: run(Int32.self, type)
        case .i64: run(Int64.self, type)
        default: run(Int128.self, type)
        }
    }
    switch RowType(rawValue: image) {
    case .u8: runUnsigned(UInt8.self)
    case .u16: runUnsigned(UInt16.self)
    case .u32: runUnsigned(UInt32.self)
    case .u64: runUnsigned(UInt64.self)
    case .i8: runSigned(Int8.self)
    case .i16: runSigned(Int16.self)
    case .i32: runSigned(Int32.self)
    default: runSigned(Int64.self)
    }
}

@inline(__always)
private func renderLine<Sum: FixedWidthInteger, Image: FixedWidthInteger>(
    _ sums: UnsafePointer<Sum>,
    _ count: Int,
    _ divisor: Int,
    _ lastDivisor: Int,
    _ fitsDouble: Bool,
    _ roundsToEven: Bool,
    _ voxels: UnsafeMutablePointer<Image>
) {
    let interior = lastDivisor == divisor ? count : count &- 1
    if divisor & (divisor &- 1) == 0 {
        let shift = Sum(truncatingIfNeeded: divisor.trailingZeroBitCount)
        if divisor == 1 {
            for i in 0..<interior { voxels[i] = Image(truncatingIfNeeded: sums[i]) }
        } else if roundsToEven {
            for i in 0..<interior { voxels[i] = Image(truncatingIfNeeded: shiftedToEven(sums[i], by: shift)) }
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
        voxels[interior] = Image(truncatingIfNeeded: quotient(sums[interior], divisor, toEven: roundsToEven))
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
    @inline(__always)
    func run<Sum: FixedWidthInteger, Image: FixedWidthInteger>(_: Sum.Type, _: Image.Type) {
        let sums = sums.assumingMemoryBound(to: Sum.self)
        let voxels = voxels.assumingMemoryBound(to: Image.self)
        let fitsDouble = sumBits < 52
        let fitsFloat = sumBits < 23
        switch RowType(rawValue: countType) {
        case .u16:
            renderSparseLine(
                sums,
                counts.assumingMemoryBound(to: UInt16.self),
                count,
                fitsFloat,
                fitsDouble,
                roundsToEven,
                voxels
            )
        case .u32:
            renderSparseLine(
                sums,
                counts.assumingMemoryBound(to: UInt32.self),
                count,
                fitsFloat,
                fitsDouble,
                roundsToEven,
                voxels
            )
        default:
            renderSparseLine(
                sums,
                counts.assumingMemoryBound(to: UInt64.self),
                count,
                fitsFloat,
                fitsDouble,
                roundsToEven,
                voxels
            )
        }
    }
    @inline(__always)
    func runUnsigned<Image: FixedWidthInteger>(_ type: Image.Type) {
        switch RowType(rawValue: sum) {
        case .u16: run(UInt16.self, type)
        case .u32: run(UInt32.self, type)
        case .u64: run(UInt64.self, type)
        default: run(UInt128.self, type)
        }
    }
    @inline(__always)
    func runSigned<Image: FixedWidthInteger>(_ type: Image.Type) {
        switch RowType(rawValue: sum) {
        case .i16: run(Int16.self, type)
        case .i32: run(Int32.self, type)
        case .i64: run(Int64.self, type)
        default: run(Int128.self, type)
        }
    }
    switch RowType(rawValue: image) {
    case .u8: runUnsigned(UInt8.self)
    case .u16: runUnsigned(UInt16.self)
    case .u32: runUnsigned(UInt32.self)
    case .u64: runUnsigned(UInt64.self)
    case .i8: runSigned(Int8.self)
    case .i16: runSigned(Int16.self)
    case .i32: runSigned(Int32.self)
    default: runSigned(Int64.self)
    }
}

@inline(__always)
private func renderSparseLine<Sum: FixedWidthInteger, Count: FixedWidthInteger, Image: FixedWidthInteger>(
    _ sums: UnsafePointer<Sum>,
    _ counts: UnsafePointer<Count>,
    _ count: Int,
    _ fitsFloat: Bool,
    _ fitsDouble: Bool,
    _ roundsToEven: Bool,
    _ voxels: UnsafeMutablePointer<Image>
) {
    // Where the count is 0 the sum is 0 too: 0 / 1.
    if fitsFloat, Sum.bitWidth <= 32, Count.bitWidth <= 32, Image.bitWidth <= 16 {
        if roundsToEven {
            for i in 0..<count {
                let divisor = Float(Int32(truncatingIfNeeded: counts[i] | (counts[i] == 0 ? 1 : 0)))
                let mean = Float(Int32(truncatingIfNeeded: sums[i])) / divisor
                voxels[i] = Image(truncatingIfNeeded: nearestEven(mean))
            }
        } else {
            for i in 0..<count {
                let divisor = Float(Int32(truncatingIfNeeded: counts[i] | (counts[i] == 0 ? 1 : 0)))
                let mean = Float(Int32(truncatingIfNeeded: sums[i])) / divisor
                voxels[i] = Image(truncatingIfNeeded: towardZero(mean))
            }
        }
    } else if fitsDouble, Sum.bitWidth <= 64 {
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
            let divisor = Sum(truncatingIfNeeded: counts[i] | (counts[i] == 0 ? 1 : 0))
            voxels[i] = Image(truncatingIfNeeded: quotient(sums[i], divisor, toEven: roundsToEven))
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
func quotient<Sum: FixedWidthInteger>(_ sum: Sum, _ divisor: Sum, toEven: Bool) -> Sum {
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

/// The low bits of `mean` without its fraction, for |mean| < 2^21.
@inline(__always)
private func towardZero(_ mean: Float) -> UInt32 {
    let nearest = (mean + 0x1.8p23) - 0x1.8p23
    let over: Float = mean >= 0 ? (nearest > mean ? 1 : 0) : (nearest < mean ? -1 : 0)
    return (nearest - over + 0x1.8p23).bitPattern
}

/// The low bits of the integer next to `mean`, ties to even, for |mean| < 2^21.
@inline(__always)
private func nearestEven(_ mean: Float) -> UInt32 {
    (mean + 0x1.8p23).bitPattern
}
