// SPDX-License-Identifier: Apache-2.0
import Configuration

/// What of the machine this process may use.
package enum Machine {
    /// Bytes of memory: of the machine, or of the narrowest control group, if that is less.
    package static var memoryByteCount: Int {
        let limits = ControlGroup.texts("memory.max").compactMap {
            WholeNumber.parse($0.prefix { $0 != "\n" })
        }
        return limits.filter { $0 > 0 }.reduce(installedByteCount ?? 1 << 30, min)
    }

    /// Cores of the affinity mask, or of the narrowest quota, if that is less; at least 1.
    package static var coreCount: Int {
        max(1, ControlGroup.texts("cpu.max").compactMap(quota).reduce(allowedCoreCount, min))
    }

    private static var installedByteCount: Int? {
        guard let words = line("/proc/meminfo", "MemTotal:"),
            let size = words.first.flatMap(WholeNumber.parse)
        else {
            return nil
        }
        return size < 1 << 50 ? size << 10 : nil
    }

    /// `Cpus_allowed` is a mask in hexadecimal groups, separated by commas.
    private static var allowedCoreCount: Int {
        guard let mask = line("/proc/self/status", "Cpus_allowed:")?.first else { return 1 }
        return mask.reduce(0) { $0 + ($1.hexDigitValue ?? 0).nonzeroBitCount }
    }

    /// `cpu.max` is a quota and a period in microseconds: "200000 100000" is two cores; "max" is no limit.
    private static func quota(_ text: String) -> Int? {
        let numbers = text.split { $0 == " " || $0 == "\n" }.map(WholeNumber.parse)
        guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], period > 0 else {
            return nil
        }
        return quota / period + (quota % period == 0 ? 0 : 1)
    }

    /// The words behind `name` in a file of lines.
    private static func line(_ path: String, _ name: String) -> [Substring]? {
        let lines = SmallFile.text(path)?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix(name) }?.dropFirst(name.count).split { $0 == " " || $0 == "\t" }
    }
}
