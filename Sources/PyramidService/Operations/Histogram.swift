// SPDX-License-Identifier: Apache-2.0

/// Counts values by upper bounds, as Prometheus has it.
package struct Histogram: Sendable {
    /// Rising; whatever is above the last one is counted too.
    package let bounds: [Double]
    package private(set) var counts: [Int]
    package private(set) var sum = 0.0

    package init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    package mutating func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    package static let seconds = Histogram([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
    ])
    package static let bytes = Histogram((5...17).map { Double(1 << ($0 * 2)) })
}
