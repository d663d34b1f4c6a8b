// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Fuzzing")
struct FuzzTests {
    @Test("Mutated requests end in requests or a typed error, the same for every splitting")
    func mutations() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SplitMix64(state: seed)
        for sample in CorpusCase.all {
            for _ in 0..<40 {
                var bytes = [UInt8.random(in: 0...UInt8.max, using: &generator)] + sample.input
                for _ in 0...Int.random(in: 0..<4, using: &generator) { mutate(&bytes, &generator) }
                #expect(bytes.withUnsafeBytes(fuzzHTTP1), "seed \(seed), \(sample.title)")
            }
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ generator: inout SplitMix64) {
        guard bytes.count > 2 else { return }
        let place = Int.random(in: 1..<bytes.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...UInt8.max, using: &generator)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(Array("\r\n :;,%0\0\tzF".utf8).randomElement(using: &generator) ?? 0, at: place)
        case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 20)], at: place)
        default: bytes.removeSubrange(place...)
        }
    }
}

/// A small random generator that a seed reproduces.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
