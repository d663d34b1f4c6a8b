// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import PyramidService

struct ObjectCacheTests {
    private static let place = ObjectCache<String, Int>.entryOverhead

    @Test("What was used longest ago goes first, and reading is using") func order() {
        let cache = ObjectCache<String, Int>(budget: 8 * (100 + Self.place))
        for (value, key) in "abcdefgh".enumerated() { cache.put(String(key), value, cost: 100) }
        #expect(cache.counts.entries == 8)
        #expect(cache.value("a") == 0)
        // As large as two of them: two have to go for it.
        cache.put("i", 8, cost: 200 + Self.place)
        #expect("abcdefghi".map { cache.value(String($0)) } == [0, nil, nil, 3, 4, 5, 6, 7, 8])
        #expect(cache.counts.evictions == 2)
        #expect(cache.counts.bytes <= cache.budget)
    }

    @Test("The budget holds after any sequence of steps, and the counts are right") func budget() {
        var random = SystemRandomNumberGenerator()
        let cache = ObjectCache<String, [UInt8]>(budget: 100_000)
        var known: [String: [UInt8]] = [:]
        for step in 0..<20_000 {
            let key = String(Int.random(in: 0..<300, using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0: cache.remove(key)
            case 1...4:
                let value = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: .random(in: 0..<3000))
                cache.put(key, value, cost: value.count)
                known[key] = value
            default:
                if let value = cache.value(key) { #expect(value == known[key]) }
            }
            #expect(cache.counts.bytes <= 100_000)
        }
        let counts = cache.counts
        var entries = 0
        var bytes = 0
        for key in 0..<300 {
            guard let value = cache.value(String(key)) else { continue }
            entries += 1
            bytes += value.count + ObjectCache<String, [UInt8]>.entryOverhead
        }
        #expect(counts.entries == entries)
        #expect(counts.bytes == bytes)
        #expect(counts.evictions > 0)
        cache.clear()
        #expect(cache.counts.entries == 0)
        #expect(cache.counts.bytes == 0)
    }

    @Test("Without a budget nothing is kept") func zero() {
        let cache = ObjectCache<String, Int>(budget: 0)
        cache.put("a", 1, cost: 0)
        #expect(cache.value("a") == nil)
        #expect(cache.counts.misses == 1)
    }

    @Test("A value over a quarter of the budget is not kept, and the one it was to replace goes") func large()
    {
        let cache = ObjectCache<String, Int>(budget: 4000)
        cache.put("a", 1, cost: 1000 - Self.place)
        #expect(cache.value("a") == 1)
        cache.put("a", 2, cost: 1000 - Self.place + 1)
        #expect(cache.value("a") == nil)
        cache.put("b", 3, cost: .max)
        #expect(cache.value("b") == nil)
    }

    @Test("A value replaces the one before it under the same key") func replace() {
        let cache = ObjectCache<String, Int>(budget: 4000)
        cache.put("a", 1, cost: 100)
        cache.put("a", 2, cost: 50)
        #expect(cache.value("a") == 2)
        #expect(cache.counts.entries == 1)
        #expect(cache.counts.bytes == 50 + Self.place)
    }

    @Test("Removing some leaves all others") func choice() {
        let cache = ObjectCache<String, Int>(budget: 40_000)
        for key in ["v/1/a", "v/1/b", "v/10/a", "w/1/a"] { cache.put(key, 0, cost: 1) }
        cache.remove { $0.hasPrefix("v/1/") }
        #expect(
            ["v/1/a", "v/1/b", "v/10/a", "w/1/a"].map { cache.value($0) != nil } == [
                false, false, true, true,
            ]
        )
    }
}
