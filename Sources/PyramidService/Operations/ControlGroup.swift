// SPDX-License-Identifier: Apache-2.0

/// The control groups of version 2 around this process: its own, and all above it.
enum ControlGroup {
    private static let root = "/sys/fs/cgroup"

    /// Returns the texts of the file `name` in each of them that has it.
    static func texts(_ name: String) -> [String] {
        var folders = [root]
        for line in SmallFile.text("/proc/self/cgroup")?.split(separator: "\n") ?? []
        where line.hasPrefix("0::") {
            for component in line.dropFirst(3).split(separator: "/") {
                folders.append("\(folders[folders.count - 1])/\(component)")
            }
        }
        return folders.compactMap { SmallFile.text("\($0)/\(name)") }
    }
}
