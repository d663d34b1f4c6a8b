// SPDX-License-Identifier: Apache-2.0

/// Ways to cut a stream into pieces; what is decided must not depend on them.
package enum Cutting: CaseIterable {
    case whole, bytes, random

    /// The ranges, which cover `bytes` in order. Random ones depend on the bytes alone, so findings repeat.
    package func pieces(of bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
        switch self {
        case .whole: return [0..<bytes.count]
        case .bytes: return (0..<bytes.count).map { $0..<$0 + 1 }
        case .random:
            var generator = InputGenerator(bytes)
            var ranges: [Range<Int>] = []
            var start = 0
            while start < bytes.count {
                let longest = generator.next(below: 4) == 0 ? 64 : 5
                let end = min(bytes.count, start + generator.next(below: longest))
                ranges.append(start..<end)
                start = end
            }
            return ranges
        }
    }
}

/// Numbers that depend on an input alone.
package struct InputGenerator {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    package init(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    /// A number from 0 up to, and without, `bound`.
    package mutating func next(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}
