// SPDX-License-Identifier: Apache-2.0

/// Times as people write them: `500ms`, `30s`, `10m`, `1h`.
package enum TimeSpan {
    /// `ms` comes first: it ends in `s` too.
    private static let units: [(suffix: String, milliseconds: Int)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000),
    ]
    /// The longest time that a setting may name; keeps every sum of times far from overflow.
    package static let longest = Duration.seconds(24 * 3_600)

    /// Returns the time that `text` names; `nil` when it is none, or longer than a day.
    package static func parse(_ text: String) -> Duration? {
        for (suffix, milliseconds) in units where text.hasSuffix(suffix) {
            guard let count = WholeNumber.parse(text.dropLast(suffix.count)) else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: milliseconds)
            guard !overflow, product <= 24 * 3_600_000 else { return nil }
            return .milliseconds(product)
        }
        return nil
    }

    /// Returns the shortest spelling of `time`, to the millisecond, that ``parse(_:)`` reads back.
    package static func text(_ time: Duration) -> String {
        let (seconds, attoseconds) = time.components
        let milliseconds = Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
        for (suffix, unit) in units.reversed() where milliseconds % unit == 0 && milliseconds != 0 {
            return "\(milliseconds / unit)\(suffix)"
        }
        return "\(milliseconds)ms"
    }
}
