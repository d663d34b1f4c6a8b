// SPDX-License-Identifier: Apache-2.0

/// A value as a file, the environment or a flag gives it, before it has a type.
enum SettingValue: Equatable {
    case null
    case text(String)
    case list([String])

    /// A list however it came: lists in files, commas, with or without spaces, in flags and environment.
    var items: [String] {
        switch self {
        case .null: []
        case .text(let text): text.split(separator: ",").map { String($0.trimmingSpaces) }
        case .list(let items): items
        }
    }

    var single: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }
}

/// One key of the configuration: its name, what it takes, and where the value goes.
struct Setting: Sendable {
    /// As in the file, levels joined by dots: `limits.head_bytes`.
    let path: String
    /// Completes "allowed: …".
    let allowed: String
    /// Stores a value; returns `false` when it is not allowed.
    let store: @Sendable (inout Configuration, SettingValue) -> Bool

    /// `PYRAMIDION_LIMITS_HEAD_BYTES`
    var environmentName: String {
        "PYRAMIDION_" + path.uppercased().split(separator: ".").joined(separator: "_")
    }
}

extension Setting {
    typealias Key<Value> = any WritableKeyPath<Configuration, Value> & Sendable

    static func count(_ path: String, _ key: Key<Int>, _ range: ClosedRange<Int>, _ zero: String? = nil)
        -> Setting
    {
        let meaning = zero.map { "; 0: \($0)" } ?? ""
        return Setting(
            path: path,
            allowed: "a whole number, \(range.lowerBound) to \(range.upperBound)\(meaning)"
        ) {
            guard let text = $1.single, let count = WholeNumber.parse(text[...]), range.contains(count) else {
                return false
            }
            $0[keyPath: key] = count
            return true
        }
    }

    static func size(_ path: String, _ key: Key<Int>, _ range: ClosedRange<Int>, _ zero: String? = nil)
        -> Setting
    {
        let bounds = "\(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound))"
        let meaning = zero.map { ", or 0: \($0)" } ?? ""
        return Setting(path: path, allowed: "a size as 64KiB or 2GiB, \(bounds)\(meaning)") {
            guard let text = $1.single, let bytes = ByteSize.parse(text) else { return false }
            guard range.contains(bytes) || (zero != nil && bytes == 0) else { return false }
            $0[keyPath: key] = bytes
            return true
        }
    }

    static func time(_ path: String, _ key: Key<Duration>, _ range: ClosedRange<Duration>) -> Setting {
        let bounds = "\(TimeSpan.text(range.lowerBound)) to \(TimeSpan.text(range.upperBound))"
        return Setting(path: path, allowed: "a time as 500ms or 30s, \(bounds)") {
            guard let text = $1.single, let time = TimeSpan.parse(text), range.contains(time) else {
                return false
            }
            $0[keyPath: key] = time
            return true
        }
    }

    static func path(_ path: String, _ key: Key<String?>, _ null: String) -> Setting {
        Setting(path: path, allowed: "a path, or null: \(null)") {
            switch $1 {
            case .null: $0[keyPath: key] = nil
            case .text(let text) where !text.isEmpty && !text.utf8.contains(0): $0[keyPath: key] = text
            case .text, .list: return false
            }
            return true
        }
    }

    static func choice<Value>(_ path: String, _ key: Key<Value>) -> Setting
    where Value: RawRepresentable<String> & CaseIterable & Sendable {
        let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return Setting(path: path, allowed: names) {
            guard let text = $1.single, let value = Value(rawValue: text) else { return false }
            $0[keyPath: key] = value
            return true
        }
    }
}
