// SPDX-License-Identifier: Apache-2.0

extension Setting {
    /// Every key that exists, in the order of `config/pyramidion.yaml`.
    static let all: [Setting] = [
        Setting(path: "listen", allowed: "a list of 1 to 64, each once, of \(ListenAddress.allowed)") {
            let addresses = $1.items.compactMap { ListenAddress($0) }
            guard addresses.count == $1.items.count, (1...64).contains(addresses.count) else { return false }
            let fixed = addresses.filter { !$0.isChosenBySystem }
            guard Set(fixed).count == fixed.count else { return false }
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
        .count("limits.source_voxels", \.limits.sourceVoxels, 1...1 << 50),
        .size("limits.cutout_bytes", \.limits.cutoutBytes, 1...1 << 50),
        .size("limits.source_object_bytes", \.limits.sourceObjectBytes, 1 << 10...1 << 40),
        .count("limits.source_transfers", \.limits.sourceTransfers, 1...10_000),
        .count("limits.uploads", \.limits.uploads, 0...1_000_000, "none is taken"),
        .size("limits.body_rate", \.limits.bodyRate, 1...1 << 40, "no least rate"),
        .size("limits.answer_rate", \.limits.answerRate, 1...1 << 40, "no least rate"),

        .time("timeouts.head", \.timeouts.head, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.body_gap", \.timeouts.bodyGap, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.answer", \.timeouts.answer, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.write_stall", \.timeouts.writeStall, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.idle", \.timeouts.idle, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.drain", \.timeouts.drain, .zero...TimeSpan.longest),
        .time("timeouts.memory_wait", \.timeouts.memoryWait, .zero...TimeSpan.longest),
        .time("timeouts.chunk", \.timeouts.chunk, .milliseconds(10)...TimeSpan.longest),
        .time("timeouts.source", \.timeouts.source, .milliseconds(10)...TimeSpan.longest),

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
        .path("tokens", \.tokens, "no tokens"),
        .path("data", \.data, "nothing is kept, and nothing can be uploaded"),
        .size("cache.memory", \.cache.memory, 1 << 20...1 << 50, "none"),
        .size("cache.disk", \.cache.disk, 1 << 20...1 << 60, "no limit"),
        Setting(path: "viewer", allowed: "an address as https://example.org/neuroglancer") {
            guard let text = $1.single, isAddress(text) else { return false }
            $0.viewer = text
            return true
        },
        .choice("log.level", \.log.level),
        .choice("log.format", \.log.format),
    ]

    /// A scheme, `://`, and a host: printable ASCII, no path.
    private static func isOrigin(_ text: String) -> Bool {
        isAddress(text) && !text.drop { $0 != ":" }.dropFirst(3).utf8.contains(UInt8(ascii: "/"))
    }

    /// A scheme, `://`, and something: printable ASCII without quotes and angle brackets.
    private static func isAddress(_ text: String) -> Bool {
        guard let start = ["https://", "http://"].first(where: text.hasPrefix) else { return false }
        let rest = text.dropFirst(start.count)
        return !rest.isEmpty
            && rest.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"\"<>".utf8.contains($0) }
    }
}
