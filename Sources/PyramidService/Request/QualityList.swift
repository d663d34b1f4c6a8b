// SPDX-License-Identifier: Apache-2.0

/// One element of `Accept` or `Accept-Encoding`: a name in lower case, and how much it is wanted.
///
/// Source: RFC 9110 §12.4.2. Elements that do not follow the grammar are left out.
struct QualityItem: Equatable {
    let name: String
    /// 0 (never) to 1000.
    let quality: Int

    static func list(_ values: [String]) -> [QualityItem] {
        var items: [QualityItem] = []
        for value in values {
            // Without a list of the elements: every chunk that is asked for has its codings looked at.
            var rest = value.utf8[...]
            while !rest.isEmpty {
                let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
                if let item = QualityItem(rest[..<end]) { items.append(item) }
                rest = rest[end...].dropFirst()
            }
        }
        return items
    }

    private init?(_ element: Substring.UTF8View) {
        let end = element.firstIndex(of: UInt8(ascii: ";")) ?? element.endIndex
        name = trimmed(Substring(element[..<end])).lowercased()
        guard !name.isEmpty else { return nil }
        guard end < element.endIndex else {
            quality = 1_000
            return
        }
        let parameters = element[end...].split(separator: UInt8(ascii: ";")).lazy.map {
            trimmed(Substring($0)).lowercased()
        }
        guard let weight = parameters.first(where: { $0.hasPrefix("q=") }) else {
            quality = 1_000
            return
        }
        guard let quality = Self.quality(weight.dropFirst(2)) else { return nil }
        self.quality = quality
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
