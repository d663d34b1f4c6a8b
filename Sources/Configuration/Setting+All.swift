// SPDX-License-Identifier: Apache-2.0

extension Setting {
    /// Every key that exists, in the order of `config/pyramidion.yaml`.
    static let all: [Setting] = [
        Setting(path: "listen", allowed: "a list of 1 to 64 of \(ListenAddress.allowed)") {
            let addresses = $1.items.compactMap { ListenAddress($0) }
            guard addresses.count == $1.items.count, (1...64).contains(addresses.count) else { return false }
            $0.listen = addresses
            return true
        },
        .count("workers", \.workers, 0...1_024, "one for each core"),
        .count("loops", \.loops, 1...64),

        .size("limits.target_bytes", \.limits.targetBytes, 256...(1 << 20)),
        .size("limits.head_bytes", \.limits.headBytes, 1 << 10...1 << 20),
        .count("limits.header_count", \.limits.headerCount, 8...10_000),
        .size("limits.body_bytes", \.limits.bodyBytes, 1...1 << 50),
        .size("limits.inflated_bytes", \.limits.inflatedBytes, 1...1 << 50),
        .count("limits.inflation_ratio", \.limits.inflationRatio, 1...1_000_000),
        .count("limits.voxels", \.limits.voxels, 1...1 << 50),
        .count("limits.mips", \.limits.mips, 1...32),
        .count("limits.connections", \.limits.connections, 1...1_000_000),
        .count("limits.connections_per_address", \.limits.connectionsPerAddress, 0...1_000_000, "no limit"),
        .count("limits.requests_per_connection", \.limits.requestsPerConnection, 1...1_000_000_000),
        .size("limits.read_ahead", \.limits.readAhead, 4 << 10...1 << 30),
        .count("limits.requests_running", \.limits.requestsRunning, 1...100_000),
        .count("limits.requests_queued", \.limits.requestsQueued, 0...100_000, "nobody waits"),
        .size("limits.memory", \.limits.memory, 1 << 20...1 << 50, "half of the machine, or of its cgroup"),
        .size("limits.body_rate", \.limits.bodyRate, 1...1 << 40, "no least rate"),
        .size("limits.answer_rate", \.limits.answerRate, 1...1 << 40, "no least rate"),

        .time("timeouts.head", \.timeouts.head, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.body_gap", \.timeouts.bodyGap, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.answer", \.timeouts.answer, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.write_stall", \.timeouts.writeStall, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.idle", \.timeouts.idle, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.drain", \.timeouts.drain, .zero...TimeSpan.longest),
        .time("timeouts.memory_wait", \.timeouts.memoryWait, .zero...TimeSpan.longest),

        Setting(
            path: "cors.origins",
            allowed: "a list of origins as https://example.org, or \"*\" alone; []: none"
        ) {
            let origins = $1.items
            guard origins == ["*"] || origins.allSatisfy(isOrigin), origins.count <= 1_000 else {
                return false
            }
            $0.cors.origins = origins
            return true
        },
        Setting(path: "tokens", allowed: "a path of a file, or null: no tokens") {
            switch $1 {
            case .null: $0.tokens = nil
            case .text(let path) where !path.isEmpty: $0.tokens = path
            case .text, .list: return false
            }
            return true
        },
        .choice("log.level", \.log.level),
        .choice("log.format", \.log.format),
    ]

    /// A scheme, `://`, and a host: printable ASCII, no path.
    private static func isOrigin(_ text: String) -> Bool {
        guard let start = ["https://", "http://"].first(where: text.hasPrefix) else { return false }
        let host = text.dropFirst(start.count)
        return !host.isEmpty && host.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") }
    }
}
