// SPDX-License-Identifier: Apache-2.0

/// The date format of HTTP, IMF-fixdate of RFC 9110 §5.6.7, without a clock of its own.
package enum HTTPDate {
    /// The date at `unixSeconds` after 1970 as 29 bytes, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// Seconds before 1970 or from the year 10000 on are brought to the nearest of those ends.
    package static func bytes(unixSeconds: Int) -> [UInt8] {
        let seconds = min(max(unixSeconds, 0), 253_402_300_799)
        let days = seconds / 86_400
        let (year, month, day) = civilDate(daysSince1970: days)
        let second = seconds % 86_400
        var output: [UInt8] = []
        output.reserveCapacity(29)
        append(weekdays, at: (days + 4) % 7, to: &output)
        output += [UInt8(ascii: ","), 0x20]
        append(day, digits: 2, to: &output)
        output.append(0x20)
        append(months, at: month - 1, to: &output)
        output.append(0x20)
        append(year, digits: 4, to: &output)
        output.append(0x20)
        append(second / 3600, digits: 2, to: &output)
        output.append(UInt8(ascii: ":"))
        append(second / 60 % 60, digits: 2, to: &output)
        output.append(UInt8(ascii: ":"))
        append(second % 60, digits: 2, to: &output)
        output += [0x20, UInt8(ascii: "G"), UInt8(ascii: "M"), UInt8(ascii: "T")]
        return output
    }

    private static let weekdays: StaticString = "SunMonTueWedThuFriSat"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    private static func append(_ names: StaticString, at index: Int, to output: inout [UInt8]) {
        for offset in 0..<3 { output.append(names.utf8Start[index * 3 + offset]) }
    }

    private static func append(_ number: Int, digits: Int, to output: inout [UInt8]) {
        var divisor = digits == 4 ? 1000 : 10
        while divisor > 0 {
            output.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    /// Counts in years that begin in March, so that a leap day is the last day of its year; an era of 400 such
    /// years has 146,097 days.
    private static func civilDate(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
        let days = daysSince1970 + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }
}
