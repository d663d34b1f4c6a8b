// SPDX-License-Identifier: Apache-2.0

/// A table of values whose entries also form a list, the last used one first; every step takes constant time.
///
/// The list is made of places in an array, not of objects, and apart from the values: so moving an entry counts no
/// references.
struct RecencyList<Key: Hashable, Value> {
    struct Entry {
        let key: Key
        let value: Value
        let cost: Int
    }

    /// Places of the neighbours in the list; -1: none.
    private struct Links {
        var newer = -1
        var older = -1
    }

    private(set) var places: [Key: Int] = [:]
    /// nil are the free ones.
    private(set) var entries: [Entry?] = []
    /// One for each entry.
    private var links: [Links] = []
    private var free: [Int] = []
    private(set) var newest = -1
    private(set) var oldest = -1
    var counts = ObjectCacheCounts()

    mutating func insert(_ key: Key, _ value: Value, cost: Int) {
        let entry = Entry(key: key, value: value, cost: cost)
        let place = free.popLast() ?? entries.count
        if place == entries.count {
            entries.append(entry)
            links.append(Links())
        } else {
            entries[place] = entry
        }
        places[key] = place
        counts.bytes += cost
        counts.entries += 1
        linkAsNewest(place)
    }

    mutating func remove(_ place: Int, into dropped: inout [Value]) {
        guard let entry = entries[place].take() else { return }
        unlink(place)
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
        links[place] = Links(newer: -1, older: newest)
        if newest >= 0 { links[newest].newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unlink(_ place: Int) {
        let (newer, older) = (links[place].newer, links[place].older)
        if newer >= 0 { links[newer].older = older } else { newest = older }
        if older >= 0 { links[older].newer = newer } else { oldest = newer }
    }
}
