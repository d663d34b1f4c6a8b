// SPDX-License-Identifier: Apache-2.0

/// Ranges of numbers as expressions, for parameters that are lists of numbers in one text.
package enum DecimalPattern {
    /// An ECMA-262 expression of the decimal numbers 1 to `limit`, with zeros in front or without.
    ///
    /// A number within the limit is the limit itself, has fewer digits, or has as many, of which some agree with the
    /// limit's and the next is smaller. `limit` has at least two digits.
    package static func whole(upTo limit: Int) -> String {
        precondition(limit >= 10, "a limit of one digit has no shorter numbers")
        let digits = String(limit)
        var cases = ["[1-9][0-9]{0,\(digits.utf8.count - 2)}"]
        var before = ""
        for (index, digit) in digits.utf8.enumerated() {
            let value = digit - UInt8(ascii: "0")
            let least: UInt8 = index == 0 ? 1 : 0
            let rest = digits.utf8.count - index - 1
            if value > least { cases.append("\(before)[\(least)-\(value - 1)][0-9]{\(rest)}") }
            before += "\(value)"
        }
        return "0*(\((cases + [digits]).joined(separator: "|")))"
    }
}
