// SPDX-License-Identifier: Apache-2.0

/// A table of values whose entries also form a list, the last used one first; every step takes constant time.
///
/// The list is made of places in an array, not of objects, so that moving an entry counts no references.
struct RecencyList<Key: Hashable, Value> {
    struct Entry {
        let key: Key
        let value: Value
        let cost: Int
        /// Places in `entries`; -1: none.
        var newer = -1
        var older = -1
    }

    private(set) var places: [Key: Int] = [:]
    /// The list's nodes; nil are the free ones.
    private(set) var entries: [Entry?] = []
    private var free: [Int] = []
    private(set) var newest = -1
    private(set) var oldest = -1
    var counts = ObjectCacheCounts()

    mutating func insert(_ key: Key, _ value: Value, cost: Int) {
        let entry = Entry(key: key, value: value, cost: cost)
        let place = free.popLast() ?? entries.count
        if place == entries.count { entries.append(entry) } else { entries[place] = entry }
        places[entry.key] = place
        counts.bytes += entry.cost
        counts.entries += 1
        linkAsNewest(place)
    }

    mutating func remove(_ place: Int, into dropped: inout [Value]) {
        unlink(place)
        guard let entry = entries[place].take() else { return }
        places[entry.key] = nil
        free.append(place)
        counts.bytes -= entry.cost
        counts.entries -= 1
        dropped.append(entry.value)
    }

    mutating func makeNewest(_ place: Int) {
        guard place != newest else { return }
        unlink(place)
        linkAsNewest(place)
    }

    private mutating func linkAsNewest(_ place: Int) {
        entries[place]?.older = newest
        entries[place]?.newer = -1
        if newest >= 0 { entries[newest]?.newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unlink(_ place: Int) {
        guard let entry = entries[place] else { return }
        if entry.newer >= 0 { entries[entry.newer]?.older = entry.older } else { newest = entry.older }
        if entry.older >= 0 { entries[entry.older]?.newer = entry.newer } else { oldest = entry.newer }
    }
}
