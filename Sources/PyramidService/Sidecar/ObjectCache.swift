// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Values in memory under keys, within a budget of bytes; what was used longest ago goes first.
///
/// One lock, and a hit moves one entry in a list: constant time and no allocation, since every warm request takes one.
/// A value that is dropped is freed outside of the lock.
package final class ObjectCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// What an entry costs beside its value: its key, the list, the table, and what the allocator adds.
    package static var entryOverhead: Int { 160 }

    /// How many bytes the values and their places in the cache may take together; 0 keeps nothing.
    package let budget: Int
    /// A value that costs more is not kept: it would push out too much that is asked for more often. A quarter.
    package let largest: Int
    private let state = Mutex(RecencyList<Key, Value>())

    /// Makes an empty cache.
    package init(budget: Int) {
        precondition(budget >= 0, "a budget cannot be negative")
        self.budget = budget
        largest = budget / 4
    }

    /// Returns the value under `key`, which is the newest then; nil when there is none.
    package func value(_ key: Key) -> Value? {
        state.withLock { state -> Value? in
            guard let place = state.places[key], let value = state.entries[place]?.value else {
                state.counts.misses += 1
                return nil
            }
            state.counts.hits += 1
            state.makeNewest(place)
            return value
        }
    }

    /// Keeps `value` under `key` in place of an earlier one; drops others until it fits.
    ///
    /// A value that is too large is not kept, and drops the earlier one, which is out of date, all the same. `cost` is
    /// what the value takes, in bytes, without its key.
    package func put(_ key: Key, _ value: Value, cost: Int) {
        precondition(cost >= 0, "a cost cannot be negative")
        let extra = Self.entryOverhead
        // Given back by the closure, so that they are freed after the lock is.
        let dropped = state.withLock { state in
            var dropped: [Value] = []
            if let place = state.places[key] { state.remove(place, into: &dropped) }
            guard budget > 0, cost <= largest, extra <= largest - cost else { return dropped }
            while state.counts.bytes > budget - cost - extra, state.oldest >= 0 {
                state.remove(state.oldest, into: &dropped)
                state.counts.evictions += 1
            }
            state.insert(key, value, cost: cost + extra)
            return dropped
        }
        _ = dropped
    }

    /// Drops the value under `key`, if there is one.
    package func remove(_ key: Key) {
        let dropped = state.withLock { state in
            var dropped: [Value] = []
            if let place = state.places[key] { state.remove(place, into: &dropped) }
            return dropped
        }
        _ = dropped
    }

    /// Drops all values whose keys are `chosen`; linear in the number of entries.
    package func remove(where chosen: (Key) -> Bool) {
        let dropped = state.withLock { state in
            var dropped: [Value] = []
            for (key, place) in state.places where chosen(key) { state.remove(place, into: &dropped) }
            return dropped
        }
        _ = dropped
    }

    /// Drops all values.
    package func clear() { remove { _ in true } }

    /// What the cache did so far, and what it holds now.
    package var counts: ObjectCacheCounts { state.withLock { $0.counts } }
}

/// What a cache did so far and holds now, for metrics.
package struct ObjectCacheCounts: Hashable, Sendable {
    /// How often a value was there.
    package var hits = 0
    /// How often it was not.
    package var misses = 0
    /// How many values were pushed out by others.
    package var evictions = 0
    /// How many values there are.
    package var entries = 0
    /// What they cost, with their keys and places.
    package var bytes = 0
}
