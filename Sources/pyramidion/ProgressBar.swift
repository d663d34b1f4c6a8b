// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A line on standard error that shows how far a pyramid is; silent where there is no terminal.
struct ProgressBar {
    private static let width = 40

    private let total: Int
    private let isShown = isatty(STDERR_FILENO) == 1
    private var shownPercent = -1

    init(total: Int) { self.total = total }

    mutating func show(_ done: Int) {
        let percent = total == 0 ? 100 : done * 100 / total
        guard isShown, percent != shownPercent else { return }
        shownPercent = percent
        let filled = percent * Self.width / 100
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
        StandardError.write("\r[\(bar)] \(percent)%\(percent == 100 ? "\n" : "")")
    }
}
