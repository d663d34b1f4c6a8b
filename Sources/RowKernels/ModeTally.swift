// SPDX-License-Identifier: Apache-2.0

// Counts labels of one box in memory of the caller.
//
// - Up to `linearLimit` different labels are found by looking at each: most boxes of a real segmentation hold
//   few.
// - More are found through a table of slots (open addressing, at most half full, doubled as labels come in).
// - Labels that were chosen to collide would make this quadratic. So slots that are passed over are counted,
//   and when a box uses up its allowance, `add` refuses and the caller starts over: 8- and 16-bit labels with
//   a table that has a slot for each label, 32- and 64-bit labels by sorting. Time is linear, or n log n, for
//   any input.
//
// Invariant: `scratch` holds `byteCount(boxVoxelCount:)` bytes, aligned to 16, and the labels added between
// two calls of `clear` are at most `boxVoxelCount` runs, `boxVoxelCount` < 2^32.

struct LabelTally<T: LabelBits> {
    /// In `scratch`, before the entries; one word here for the reason given at `CubeRows`.
    private typealias State = (
        ranks: UnsafeMutablePointer<Int>, labels: UnsafeMutablePointer<T>,
        counts: UnsafeMutablePointer<UInt32>,
        slots: UnsafeMutablePointer<UInt32>, used: Int, slotCount: Int, allowance: Int
    )
    private let state: UnsafeMutablePointer<State>

    @inline(__always)
    private var ranks: UnsafeMutablePointer<Int> { state.pointee.ranks }
    @inline(__always)
    private var labels: UnsafeMutablePointer<T> { state.pointee.labels }
    @inline(__always)
    private var counts: UnsafeMutablePointer<UInt32> { state.pointee.counts }
    @inline(__always)
    private var slots: UnsafeMutablePointer<UInt32> { state.pointee.slots }
    @inline(__always)
    private var used: Int {
        get { state.pointee.used }
        nonmutating set { state.pointee.used = newValue }
    }
    @inline(__always)
    private var slotCount: Int {
        get { state.pointee.slotCount }
        nonmutating set { state.pointee.slotCount = newValue }
    }
    @inline(__always)
    private var allowance: Int {
        get { state.pointee.allowance }
        nonmutating set { state.pointee.allowance = newValue }
    }

    private static var stateByteCount: Int { 64 }

    @inline(__always)
    private static var linearLimit: Int { 16 }

    @inline(__always)
    private var hasSlotForEachLabel: Bool { T.bitWidth <= 16 && slotCount == 1 << T.bitWidth }

    /// Entries: one for each run, or each value that the type has if those are fewer.
    private static func entryLimit(_ boxVoxelCount: Int) -> Int {
        T.bitWidth <= 16 ? Swift.min(boxVoxelCount, 1 << T.bitWidth) : boxVoxelCount
    }

    private static func slotLimit(_ boxVoxelCount: Int) -> Int {
        if T.bitWidth <= 16 { return 1 << T.bitWidth }
        var limit = 4 * linearLimit
        while limit < 2 * boxVoxelCount { limit *= 2 }
        return limit
    }

    static func byteCount(boxVoxelCount: Int) -> Int {
        let entries = (entryLimit(boxVoxelCount) + 15) & ~15
        return stateByteCount + entries * (8 + 4 + MemoryLayout<T>.size) + slotLimit(boxVoxelCount) * 4
    }

    init(scratch: UnsafeMutableRawPointer, boxVoxelCount: Int) {
        let entries = (Self.entryLimit(boxVoxelCount) + 15) & ~15
        let first = scratch + Self.stateByteCount
        let width = MemoryLayout<T>.size
        state = scratch.bindMemory(to: State.self, capacity: 1)
        state.initialize(
            to: (
                ranks: first.assumingMemoryBound(to: Int.self),
                labels: (first + entries * 8).assumingMemoryBound(to: T.self),
                counts: (first + entries * (8 + width)).assumingMemoryBound(to: UInt32.self),
                slots: (first + entries * (12 + width)).assumingMemoryBound(to: UInt32.self),
                used: 0, slotCount: 0, allowance: 0
            )
        )
    }

    /// Forgets all labels; `voxelCount` is what the next box holds.
    @inline(__always)
    func clear(voxelCount: Int) {
        used = 0
        slotCount = 0
        allowance = 8 &* voxelCount &+ 256
    }

    /// Gives 8- and 16-bit labels a slot each, so that nothing is ever passed over.
    func clearWithSlotForEachLabel() {
        used = 0
        slotCount = 1 << T.bitWidth
        allowance = .max
        slots.update(repeating: 0, count: slotCount)
    }

    /// Counts a run of a label; returns false if the box must be counted in another way.
    @inline(__always)
    func add(_ label: T, count: Int, rank: Int) -> Bool {
        if slotCount == 0 {
            var entry = 0
            while entry < used {
                if labels[entry] == label {
                    raise(entry, count, rank)
                    return true
                }
                entry &+= 1
            }
            append(label, count, rank)
            return used <= Self.linearLimit || enlarge()
        }
        return addThroughSlots(label, count, rank)
    }

    /// Keeps a run as an entry of its own, for `mergeSorted`.
    @inline(__always)
    func append(_ label: T, _ count: Int, _ rank: Int) {
        labels[used] = label
        counts[used] = UInt32(truncatingIfNeeded: count)
        ranks[used] = rank
        used &+= 1
    }

    /// The most frequent label; ties: lowest rank; 0 if there is none.
    @inline(__always)
    var winner: T {
        var best: T = 0
        var most: UInt32 = 0
        var lowest = Int.max
        var entry = 0
        while entry < used {
            let count = counts[entry]
            if count > most || (count == most && ranks[entry] < lowest) {
                best = labels[entry]
                most = count
                lowest = ranks[entry]
            }
            entry &+= 1
        }
        return best
    }

    /// Brings the entries of each label together: heap sort by label, in place, then one pass.
    func mergeSorted() {
        guard used > 1 else { return }
        var root = used / 2
        while root > 0 {
            root &-= 1
            siftDown(root, used)
        }
        var end = used
        while end > 1 {
            end &-= 1
            swapEntries(0, end)
            siftDown(0, end)
        }
        var last = 0
        var entry = 1
        while entry < used {
            if labels[entry] == labels[last] {
                counts[last] &+= counts[entry]
                ranks[last] = Swift.min(ranks[last], ranks[entry])
            } else {
                last &+= 1
                swapEntries(last, entry)
            }
            entry &+= 1
        }
        used = last &+ 1
    }

    @inline(__always)
    private func raise(_ entry: Int, _ count: Int, _ rank: Int) {
        counts[entry] &+= UInt32(truncatingIfNeeded: count)
        if rank < ranks[entry] { ranks[entry] = rank }
    }

    @inline(never)
    private func addThroughSlots(_ label: T, _ count: Int, _ rank: Int) -> Bool {
        let mask = slotCount &- 1
        var slot = home(label)
        while slots[slot] != 0 {
            let entry = Int(truncatingIfNeeded: slots[slot]) &- 1
            if labels[entry] == label {
                raise(entry, count, rank)
                return true
            }
            allowance &-= 1
            slot = (slot &+ 1) & mask
        }
        guard allowance >= 0 else { return false }
        append(label, count, rank)
        slots[slot] = UInt32(truncatingIfNeeded: used)
        return 2 &* used <= slotCount || hasSlotForEachLabel || enlarge()
    }

    /// Doubles the slots, or makes the first ones, and puts all labels in again.
    @inline(never)
    private func enlarge() -> Bool {
        slotCount = slotCount == 0 ? 4 &* Self.linearLimit : 2 &* slotCount
        if T.bitWidth <= 16 && slotCount > 1 << T.bitWidth { slotCount = 1 << T.bitWidth }
        slots.update(repeating: 0, count: slotCount)
        let mask = slotCount &- 1
        var entry = 0
        while entry < used {
            var slot = home(labels[entry])
            while slots[slot] != 0 {
                allowance &-= 1
                guard allowance >= 0 else { return false }
                slot = (slot &+ 1) & mask
            }
            entry &+= 1
            slots[slot] = UInt32(truncatingIfNeeded: entry)
        }
        return true
    }

    /// Where a label is looked for first: its own slot if each label has one, else the top bits of a mix.
    @inline(__always)
    private func home(_ label: T) -> Int {
        let bits = UInt64(truncatingIfNeeded: label)
        if hasSlotForEachLabel { return Int(truncatingIfNeeded: bits) & (slotCount &- 1) }
        var mixed = bits &* 0x9E37_79B9_7F4A_7C15
        mixed ^= mixed &>> 32
        mixed = mixed &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: mixed &>> 32) & (slotCount &- 1)
    }

    private func siftDown(_ start: Int, _ end: Int) {
        var root = start
        while true {
            var child = 2 &* root &+ 1
            guard child < end else { return }
            if child &+ 1 < end && labels[child] < labels[child &+ 1] { child &+= 1 }
            guard labels[root] < labels[child] else { return }
            swapEntries(root, child)
            root = child
        }
    }

    @inline(__always)
    private func swapEntries(_ a: Int, _ b: Int) {
        let (label, count, rank) = (labels[a], counts[a], ranks[a])
        (labels[a], counts[a], ranks[a]) = (labels[b], counts[b], ranks[b])
        (labels[b], counts[b], ranks[b]) = (label, count, rank)
    }
}
