// SPDX-License-Identifier: Apache-2.0
import VolumeNames

/// Reads the section `volumes`: a mapping of names to volumes.
enum VolumesSection {
    static let key = "volumes"

    /// So many volumes may be configured; each costs an `info` and some kilobytes.
    static let maxVolumes = 10_000

    private static let keys = ["source", "method", "factor", "mips", "precision", "sparse", "encoding"]

    /// Returns the volumes in order of their names; none for an empty section.
    /// - Throws: ``ConfigurationError`` for the first name, key or value that cannot be.
    static func read(_ entry: YAMLNode.Entry, file: String) throws(ConfigurationError) -> [VolumeSettings] {
        if entry.node.isNull { return [] }
        guard case .mapping(let entries) = entry.node.value else {
            throw ConfigurationError(
                .file(file, line: entry.node.line),
                "`volumes` is \(entry.node.kind); allowed: a mapping of names to volumes"
            )
        }
        guard entries.count <= maxVolumes else {
            throw ConfigurationError(
                .file(file, line: entry.line),
                "`volumes` has \(entries.count) entries; allowed: \(maxVolumes) and less"
            )
        }
        var volumes: [VolumeSettings] = []
        for entry in entries { volumes.append(try volume(entry, file: file)) }
        return volumes.sorted { $0.name < $1.name }
    }

    private static func volume(
        _ entry: YAMLNode.Entry,
        file: String
    ) throws(ConfigurationError) -> VolumeSettings {
        let place = ConfigurationError.Place.file(file, line: entry.line)
        guard VolumeName.isValid(entry.key) else {
            throw ConfigurationError(
                place,
                "`\(entry.key)` is no name of a volume; allowed: \(VolumeName.allowed)"
            )
        }
        guard case .mapping(let members) = entry.node.value else {
            throw ConfigurationError(
                .file(file, line: entry.node.line),
                "the volume `\(entry.key)` is \(entry.node.kind); allowed: a mapping that has a `source`"
            )
        }
        var volume = VolumeSettings(name: entry.key, source: "", place: place)
        for member in members { try store(member, in: &volume, file: file) }
        try checkSparse(volume, members, file: file)
        guard !volume.source.isEmpty else {
            throw ConfigurationError(
                place,
                "the volume `\(entry.key)` has no `source`: a folder, or a URL of a precomputed volume"
            )
        }
        return volume
    }

    /// What no source can make right is refused before one is asked.
    private static func checkSparse(
        _ volume: VolumeSettings,
        _ members: [YAMLNode.Entry],
        file: String
    ) throws(ConfigurationError) {
        guard volume.sparse, let member = members.last(where: { $0.key == "sparse" }) else { return }
        let place = ConfigurationError.Place.file(file, line: member.node.line)
        switch volume.method {
        case .min, .max, .stride:
            throw ConfigurationError(
                place,
                "`sparse` of the volume `\(volume.name)` says nothing for its method \(volume.method?.rawValue ?? ""); "
                    + "allowed: false, or one of the methods average, mode, median"
            )
        case .average where volume.precision == .compat:
            throw ConfigurationError(
                place,
                "`sparse` of the volume `\(volume.name)` cannot be true for compat averages, which carry more from "
                    + "level to level than the levels hold; allowed: false, or precision exact"
            )
        case .average, .mode, .median, nil: break
        }
    }

    private static func store(
        _ member: YAMLNode.Entry,
        in volume: inout VolumeSettings,
        file: String
    ) throws(ConfigurationError) {
        let place = ConfigurationError.Place.file(file, line: member.node.line)
        let text = member.node.text
        switch member.key {
        case "source":
            guard let text, isSource(text) else {
                throw refusal(member, place, "a folder, or a URL as https://example.org/em")
            }
            volume.source = text
        case "method": volume.method = try member.node.isNull ? nil : choice(member, place)
        case "precision": volume.precision = try choice(member, place)
        case "encoding": volume.encoding = try member.node.isNull ? nil : choice(member, place)
        case "factor": volume.factor = try factor(member, place)
        case "mips": volume.mips = try mips(member, place)
        case "sparse":
            guard text == "true" || text == "false" else { throw refusal(member, place, "true, false") }
            volume.sparse = text == "true"
        default:
            throw ConfigurationError(
                .file(file, line: member.line),
                "a volume has no key `\(member.key)`; allowed: \(keys.sorted().joined(separator: ", "))"
            )
        }
    }

    /// Whatever has a scheme must have one that is spoken here; the rest is a folder.
    private static func isSource(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return false }
        guard text.contains("://") else { return true }
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return false }
        return hasHost(text.utf8.dropFirst(scheme.utf8.count))
    }

    /// Whether an address without its scheme has a host between its user and its port.
    private static func hasHost(_ rest: Substring.UTF8View) -> Bool {
        let authority = rest.prefix { !"/?#".utf8.contains($0) }
        let host =
            authority.lastIndex(of: UInt8(ascii: "@")).map { authority[$0...].dropFirst() } ?? authority
        return host.first.map { $0 != UInt8(ascii: ":") } ?? false
    }

    private static func choice<Value>(
        _ member: YAMLNode.Entry,
        _ place: ConfigurationError.Place
    ) throws(ConfigurationError) -> Value where Value: RawRepresentable<String> & CaseIterable {
        guard let value = member.node.text.flatMap(Value.init(rawValue:)) else {
            throw refusal(member, place, Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    private static func factor(
        _ member: YAMLNode.Entry,
        _ place: ConfigurationError.Place
    ) throws(ConfigurationError) -> VolumeSettings.Factor {
        if member.node.text == "auto" { return .auto }
        let texts: [String]
        switch member.node.value {
        case .scalar(let text, _):
            texts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        case .sequence(let nodes): texts = nodes.compactMap(\.text)
        case .mapping: texts = []
        }
        let entries = texts.compactMap { WholeNumber.parse($0.trimmingSpaces) }
        guard entries.count == texts.count, (1...3).contains(entries.count),
            entries.allSatisfy({ (1...64).contains($0) }), entries.contains(where: { $0 > 1 })
        else {
            throw refusal(
                member,
                place,
                "auto, or 1 to 3 whole numbers as [2, 2, 1], from 1 to 64 and not all 1"
            )
        }
        return .fixed(entries + Array(repeating: 1, count: 3 - entries.count))
    }

    private static func mips(
        _ member: YAMLNode.Entry,
        _ place: ConfigurationError.Place
    ) throws(ConfigurationError) -> VolumeSettings.Mips {
        let text = member.node.text
        if text == "all" { return .all }
        guard let count = text.flatMap({ WholeNumber.parse($0[...]) }), (0...32).contains(count) else {
            throw refusal(member, place, "0 to 32, or all")
        }
        return .count(count)
    }

    private static func refusal(
        _ member: YAMLNode.Entry,
        _ place: ConfigurationError.Place,
        _ allowed: String
    ) -> ConfigurationError {
        ConfigurationError(place, "`\(member.key)` of a volume cannot be that; allowed: \(allowed)")
    }
}

extension YAMLNode {
    /// The text of a single value that is not null.
    fileprivate var text: String? {
        guard !isNull, case .scalar(let text, _) = value else { return nil }
        return text
    }
}
