// SPDX-License-Identifier: Apache-2.0

extension Configuration {
    /// A setting that a flag of the command line gives: the flag's own name, the key, and the values.
    package struct FlagValue: Sendable {
        let flag: String
        let path: String
        let values: [String]

        package init(flag: String, path: String, values: [String]) {
            self.flag = flag
            self.path = path
            self.values = values
        }
    }

    /// The largest file that is read.
    package static let maxFileBytes = 1 << 20

    /// Every key that exists, in the order of the shipped file: `limits.head_bytes`.
    package static var keyPaths: [String] { Setting.all.map(\.path) }

    /// Names that begin like ours and are not settings: Kubernetes sets the first two for a service called
    /// `pyramidion`, the third names the file, the last belongs to the build.
    private static let foreignNames = [
        "PYRAMIDION_SERVICE_", "PYRAMIDION_PORT", "PYRAMIDION_CONFIG", "PYRAMIDION_ISAL",
    ]

    /// Merges, each winning over the one before: defaults, the file, the environment, the flags.
    ///
    /// `file` is the bytes of the file and the path to name it by.
    /// - Throws: ``ConfigurationError`` for the first unknown key or impossible value.
    package static func merged(
        file: (path: String, bytes: [UInt8])?,
        environment: [String: String],
        flags: [FlagValue]
    ) throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        if let file { try configuration.apply(file.bytes, path: file.path) }
        try configuration.apply(environment)
        for flag in flags { try configuration.apply(flag) }
        return configuration
    }

    private mutating func apply(_ bytes: [UInt8], path: String) throws(ConfigurationError) {
        guard bytes.count <= Self.maxFileBytes else {
            throw ConfigurationError(.file(path, line: 1), "longer than \(ByteSize.text(Self.maxFileBytes))")
        }
        guard let root = try YAMLReader.read(bytes, path: path), !root.isNull else { return }
        guard case .mapping(let entries) = root.value else {
            throw ConfigurationError(.file(path, line: root.line), "\(root.kind); allowed: a mapping of keys")
        }
        try apply(entries, under: "", file: path)
    }

    /// Recursion goes as deep as the keys of ``Setting/all`` do.
    private mutating func apply(
        _ entries: [YAMLNode.Entry],
        under prefix: String,
        file: String
    ) throws(ConfigurationError) {
        for entry in entries {
            let path = prefix + entry.key
            if let setting = Setting.all.first(where: { $0.path == path }) {
                let place = ConfigurationError.Place.file(file, line: entry.node.line)
                try store(try Self.value(entry.node, setting, place), in: setting, place)
            } else if Setting.all.contains(where: { $0.path.hasPrefix(path + ".") }) {
                try applySection(entry, path, file: file)
            } else if prefix.isEmpty, entry.key == VolumesSection.key {
                volumes = try VolumesSection.read(entry, file: file)
            } else {
                let sections = prefix.isEmpty ? [VolumesSection.key] : []
                let known = (Self.keys(under: prefix) + sections).joined(separator: ", ")
                throw ConfigurationError(
                    .file(file, line: entry.line),
                    "there is no key `\(path)`; allowed here: \(known)"
                )
            }
        }
    }

    private mutating func applySection(
        _ entry: YAMLNode.Entry,
        _ path: String,
        file: String
    ) throws(ConfigurationError) {
        if entry.node.isNull { return }
        guard case .mapping(let inner) = entry.node.value else {
            let known = Self.keys(under: path + ".").joined(separator: ", ")
            throw ConfigurationError(
                .file(file, line: entry.node.line),
                "`\(path)` is \(entry.node.kind); allowed: a mapping with the keys \(known)"
            )
        }
        try apply(inner, under: path + ".", file: file)
    }

    private mutating func apply(_ environment: [String: String]) throws(ConfigurationError) {
        for (name, text) in environment.sorted(by: { $0.key < $1.key }) {
            guard name.hasPrefix("PYRAMIDION_"), !Self.foreignNames.contains(where: name.hasPrefix) else {
                continue
            }
            guard let setting = Setting.all.first(where: { $0.environmentName == name }) else {
                let known = Setting.all.map(\.environmentName).joined(separator: ", ")
                throw ConfigurationError(.environment(name), "there is no such setting; allowed: \(known)")
            }
            try store(text == "null" ? .null : .text(text), in: setting, .environment(name))
        }
    }

    private mutating func apply(_ flag: FlagValue) throws(ConfigurationError) {
        guard let setting = Setting.all.first(where: { $0.path == flag.path }) else {
            throw ConfigurationError(.flag(flag.flag), "there is no key `\(flag.path)`")
        }
        let value = flag.values.count == 1 ? SettingValue.text(flag.values[0]) : .list(flag.values)
        try store(value, in: setting, .flag(flag.flag))
    }

    private mutating func store(
        _ value: SettingValue,
        in setting: Setting,
        _ place: ConfigurationError.Place
    ) throws(ConfigurationError) {
        guard setting.store(&self, value) else { throw Self.refusal(setting, place) }
        places[setting.path] = place
    }

    private static func value(
        _ node: YAMLNode,
        _ setting: Setting,
        _ place: ConfigurationError.Place
    ) throws(ConfigurationError) -> SettingValue {
        if node.isNull { return .null }
        switch node.value {
        case .scalar(let text, _): return .text(text)
        case .sequence(let nodes):
            var items: [String] = []
            for node in nodes {
                guard case .scalar(let text, _) = node.value else { throw refusal(setting, place) }
                items.append(text)
            }
            return .list(items)
        case .mapping: throw refusal(setting, place)
        }
    }

    private static func refusal(
        _ setting: Setting,
        _ place: ConfigurationError.Place
    ) -> ConfigurationError {
        ConfigurationError(place, "`\(setting.path)` cannot be that; allowed: \(setting.allowed)")
    }

    /// The next words of all keys that begin with `prefix`, in order, each once.
    private static func keys(under prefix: String) -> [String] {
        var known: [String] = []
        for setting in Setting.all where setting.path.hasPrefix(prefix) {
            let word = setting.path.dropFirst(prefix.count).prefix { $0 != "." }
            if known.last != String(word) { known.append(String(word)) }
        }
        return known
    }
}
