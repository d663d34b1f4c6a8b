// SPDX-License-Identifier: Apache-2.0
import Voxels

/// Random numbers that a printed seed makes again (SplitMix64).
struct Seeded: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// One with a seed that nobody knows before.
    static func generator() -> Seeded { Seeded(seed: .random(in: .min ... .max)) }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

/// Arrays for tests that compare one way to reduce them with another.
enum TestVoxels {
    /// `count` voxels, a third of which are 0; floats have infinities, NaN and values whose sums overflow among them.
    static func make(_ count: Int, _ type: VoxelType, _ random: inout Seeded) -> [UInt8] {
        let hasExtremes = Bool.random(using: &random)
        let labels = Int.random(in: 2...200, using: &random)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * type.byteWidth)
        for _ in 0..<count {
            let value = random.next() % 3 == 0 ? 0 : Int(random.next() % UInt64(labels))
            switch type {
            case .float32: append(float(value, hasExtremes, &random).bitPattern, to: &bytes)
            case .float64: append(double(value, hasExtremes, &random).bitPattern, to: &bytes)
            default:
                let wide = hasExtremes ? random.next() : UInt64(value)
                for byte in 0..<type.byteWidth { bytes.append(UInt8(truncatingIfNeeded: wide >> (8 * byte))) }
            }
        }
        return bytes
    }

    private static func float(_ value: Int, _ hasExtremes: Bool, _ random: inout Seeded) -> Float {
        guard hasExtremes, random.next() % 50 == 0 else { return Float(value) / 7 }
        return [
            .infinity, -.infinity, .nan, Float.greatestFiniteMagnitude, -0.0, Float.leastNonzeroMagnitude,
        ]
        .randomElement(using: &random) ?? 0
    }

    private static func double(_ value: Int, _ hasExtremes: Bool, _ random: inout Seeded) -> Double {
        guard hasExtremes, random.next() % 50 == 0 else { return Double(value) / 7 }
        return [
            .infinity, -.infinity, .nan, Double.greatestFiniteMagnitude, -0.0, Double.leastNonzeroMagnitude,
        ]
        .randomElement(using: &random) ?? 0
    }

    private static func append<Bits: FixedWidthInteger>(_ bits: Bits, to bytes: inout [UInt8]) {
        for byte in 0..<Bits.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * byte))) }
    }
}
