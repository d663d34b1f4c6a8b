// SPDX-License-Identifier: Apache-2.0

/// Writes metrics in Prometheus' text format, version 0.0.4.
package struct PrometheusText {
    package typealias Labels = [(name: String, value: String)]

    package private(set) var text = ""

    package init() {}

    package static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    package enum Kind: String {
        case counter, gauge, histogram
    }

    /// Begins a family; its samples must follow at once.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    package mutating func sample(_ name: String, _ labels: Labels = [], _ value: Int) {
        text += "\(name)\(Self.braced(labels)) \(value)\n"
    }

    package mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        family(name, .gauge, help)
        sample(name, [], value)
    }

    package mutating func counter(_ name: String, _ help: String, _ value: Int) {
        family(name, .counter, help)
        sample(name, [], value)
    }

    package mutating func histogram(_ name: String, _ labels: Labels, _ histogram: Histogram) {
        var total = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            total += count
            sample(name + "_bucket", labels + [("le", Self.number(bound))], total)
        }
        total += histogram.counts.last ?? 0
        sample(name + "_bucket", labels + [("le", "+Inf")], total)
        text += "\(name)_sum\(Self.braced(labels)) \(Self.number(histogram.sum))\n"
        sample(name + "_count", labels, total)
    }

    private static func braced(_ labels: Labels) -> String {
        if labels.isEmpty { return "" }
        let pairs = labels.map { "\($0.name)=\"\(escaped($0.value))\"" }
        return "{\(pairs.joined(separator: ","))}"
    }

    private static func escaped(_ text: String) -> String {
        text.split(separator: "", omittingEmptySubsequences: false).reduce(into: "") { result, piece in
            switch piece {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result += piece
            }
        }
    }

    /// Without a point where there is nothing behind it: `1024`, `0.25`.
    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
