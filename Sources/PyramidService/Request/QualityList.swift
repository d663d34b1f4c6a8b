// SPDX-License-Identifier: Apache-2.0

/// One element of `Accept` or `Accept-Encoding`: a name in lower case, and how much it is wanted.
///
/// Source: RFC 9110 §12.4.2. Elements that do not follow the grammar are left out.
struct QualityItem: Equatable {
    let name: String
    /// 0 (never) to 1000.
    let quality: Int

    static func list(_ values: [String]) -> [QualityItem] {
        values.flatMap { $0.split(separator: ",") }.compactMap { element in
            let parts = element.split(separator: ";", omittingEmptySubsequences: false).map {
                trimmed($0).lowercased()
            }
            guard let name = parts.first, !name.isEmpty else { return nil }
            guard let weight = parts.dropFirst().first(where: { $0.hasPrefix("q=") }) else {
                return QualityItem(name: name, quality: 1_000)
            }
            return quality(weight.dropFirst(2)).map { QualityItem(name: name, quality: $0) }
        }
    }

    /// `0`, `0.5`, `1.000`: at most three digits, at most 1.
    private static func quality(_ text: Substring) -> Int? {
        let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let digits = halves.count == 2 ? halves[1] : ""
        guard halves[0] == "0" || halves[0] == "1", digits.count <= 3 else { return nil }
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        let thousandths = Int(digits + String(repeating: "0", count: 3 - digits.count)) ?? 0
        let quality = (halves[0] == "1" ? 1_000 : 0) + thousandths
        return quality <= 1_000 ? quality : nil
    }
}
