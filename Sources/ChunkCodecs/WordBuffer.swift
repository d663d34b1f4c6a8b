// SPDX-License-Identifier: Apache-2.0

/// Words of 32 bits that grow at their end, in memory of their own.
struct WordBuffer: ~Copyable {
    /// Valid for `capacity` words until the next ``append(zeros:)``, of which the first `count` are initialized.
    private(set) var base: UnsafeMutablePointer<UInt32>
    private(set) var count = 0
    private var capacity = 1_024

    init() { base = .allocate(capacity: capacity) }

    deinit { base.deallocate() }

    /// Appends so many words of 0, and returns where the first one is.
    mutating func append(zeros added: Int) -> UnsafeMutablePointer<UInt32> {
        precondition(added >= 0, "words are never taken away")
        if added > capacity - count { grow(to: count + added) }
        let first = base + count
        first.initialize(repeating: 0, count: added)
        count += added
        return first
    }

    private mutating func grow(to needed: Int) {
        let larger = max(needed, 2 * capacity)
        let new = UnsafeMutablePointer<UInt32>.allocate(capacity: larger)
        new.moveInitialize(from: base, count: count)
        base.deallocate()
        base = new
        capacity = larger
    }

    /// The bytes of all words, which have to be little-endian already.
    var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: 4 * count)) }
}
