// SPDX-License-Identifier: Apache-2.0

/// The keys that belong to served volumes: their shape is checked, and that nothing relies on them yet.
///
/// This version makes pyramids of what is sent to it. A configuration that expects more must not start as if
/// it had it.
enum VolumesSection {
    static let keys: Set<String> = ["volumes", "data", "cache", "viewer"]

    private static let volumeKeys: Set<String> = [
        "source", "method", "factor", "mips", "precision", "sparse", "encoding",
    ]

    /// - Throws: ``ConfigurationError`` for a malformed section, and for every one that asks for something.
    static func check(_ entry: YAMLNode.Entry, file: String) throws(ConfigurationError) {
        if entry.node.isNull { return }
        guard entry.key == "volumes" else {
            throw ConfigurationError(
                .file(file, line: entry.line),
                "`\(entry.key)` belongs to served volumes, and this version does not serve volumes yet: remove it"
            )
        }
        guard case .mapping(let volumes) = entry.node.value else {
            throw ConfigurationError(
                .file(file, line: entry.node.line),
                "`volumes` is \(entry.node.kind); allowed: a mapping of names to volumes"
            )
        }
        for volume in volumes { try check(volume: volume, file: file) }
        guard let first = volumes.first else { return }
        throw ConfigurationError(
            .file(file, line: first.line),
            "the volume `\(first.key)` cannot be served: this version does not serve volumes yet; "
                + "POST /v1/pyramid works without the section"
        )
    }

    private static func check(volume: YAMLNode.Entry, file: String) throws(ConfigurationError) {
        guard isName(volume.key) else {
            throw ConfigurationError(
                .file(file, line: volume.line),
                "`\(volume.key)` is no name of a volume; allowed: [a-z0-9][a-z0-9._-]{0,127}"
            )
        }
        guard case .mapping(let entries) = volume.node.value else {
            throw ConfigurationError(
                .file(file, line: volume.node.line),
                "the volume `\(volume.key)` is \(volume.node.kind); allowed: a mapping that has a `source`"
            )
        }
        for entry in entries where !volumeKeys.contains(entry.key) {
            throw ConfigurationError(
                .file(file, line: entry.line),
                "a volume has no key `\(entry.key)`; allowed: \(volumeKeys.sorted().joined(separator: ", "))"
            )
        }
        guard entries.contains(where: { $0.key == "source" && !$0.node.isNull }) else {
            throw ConfigurationError(
                .file(file, line: volume.line),
                "the volume `\(volume.key)` has no `source`: a folder, or a URL of a precomputed volume"
            )
        }
    }

    private static func isName(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        return isPlain && (1...128).contains(text.utf8.count) && !".-_".contains(text.first ?? ".")
    }
}
