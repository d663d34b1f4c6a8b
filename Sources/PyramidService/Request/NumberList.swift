// SPDX-License-Identifier: Apache-2.0

/// The numbers between the commas of `text`, as `number` reads each; `nil` if one of them is none.
func numbers<Number>(in text: String, _ number: (Substring) -> Number?) -> [Number]? {
    let entries = text.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = entries.compactMap(number)
    return numbers.count == entries.count ? numbers : nil
}
