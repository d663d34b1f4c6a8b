// SPDX-License-Identifier: Apache-2.0

/// Sizes as people write them: `64KiB`, `2GiB`, `512` (bytes).
package enum ByteSize {
    private static let units: [(suffix: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// Returns the bytes that `text` names; `nil` when it is no size or does not fit in 63 bits.
    package static func parse(_ text: String) -> Int? {
        for (suffix, bytes) in units where text.hasSuffix(suffix) {
            guard let count = WholeNumber.parse(text.dropLast(suffix.count)) else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: bytes)
            return overflow ? nil : product
        }
        return WholeNumber.parse(text[...])
    }

    /// Returns the shortest spelling of `bytes` that ``parse(_:)`` reads back.
    package static func text(_ bytes: Int) -> String {
        for (suffix, unit) in units where bytes != 0 && bytes % unit == 0 && unit > 1 {
            return "\(bytes / unit)\(suffix)"
        }
        return "\(bytes)"
    }
}

/// Decimal digits and nothing else: no sign, no space, no overflow.
package enum WholeNumber {
    package static func parse(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else {
            return nil
        }
        return Int(text)
    }
}
