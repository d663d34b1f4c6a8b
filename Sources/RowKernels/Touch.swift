// SPDX-License-Identifier: Apache-2.0

/// Reads one byte of every cache line, in order, and returns their wrapping sum.
///
/// Rows that follow one another and are reduced together are read by turns, which the hardware's prefetcher follows
/// badly. Read once from end to end before, they come at the memory's own speed and then wait in the near cache.
package func touch(_ bytes: UnsafeRawPointer, count: Int) -> UInt8 {
    var sum: UInt8 = 0
    var at = 0
    while at < count {
        sum &+= bytes.load(fromByteOffset: at, as: UInt8.self)
        at &+= 64
    }
    return sum
}
