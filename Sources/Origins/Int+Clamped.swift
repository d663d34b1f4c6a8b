// SPDX-License-Identifier: Apache-2.0

/// Bytes and files of disks, which may claim anything: a file with holes has 2^63 - 1 bytes if it likes, and there may be
/// two of them. As in the data half, which this half does not import.
extension Int {
    /// The sum, or the number nearest to it that there is.
    func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// The product, or `Int.max`; neither is negative.
    func multipliedClamped(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
