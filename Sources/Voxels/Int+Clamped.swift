// SPDX-License-Identifier: Apache-2.0

/// Sizes of memory for arrays that no machine can hold: `Int.max` stands for all that is too much, so that such a price
/// is refused like any other that nobody can pay, and such an allocation fails.
extension Int {
    /// `self + other`, or the number nearest to it that there is.
    package func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// `self * factor`, or the number nearest to it that there is.
    package func multipliedClamped(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        guard overflow else { return product }
        return (self < 0) == (factor < 0) ? .max : .min
    }
}
