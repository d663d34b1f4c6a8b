// SPDX-License-Identifier: Apache-2.0

/// Sizes of memory for arrays that no machine can hold: `Int.max` stands for all that is too much, so that such a price
/// is refused like any other that nobody can pay, and such an allocation fails.
extension Int {
    /// The sum, or `Int.max`; neither is negative.
    func saturatingPlus(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// The product, or `Int.max`; neither is negative.
    func saturatingTimes(_ other: Int) -> Int { multiplied(by: other, atMost: .max) }
}
