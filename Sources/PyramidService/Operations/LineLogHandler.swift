// SPDX-License-Identifier: Apache-2.0
package import Configuration
import Glibc
package import Logging

/// Turns log events into single lines, `key=value` for people or JSON for machines.
package struct LineLogHandler: LogHandler {
    /// Longer values are cut, so that no input makes a line without end.
    static let maxValueBytes = 2_048

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let format: Configuration.Log.Format
    private let sink: LogSink

    package init(_ log: Configuration.Log, sink: LogSink) {
        logLevel = Logger.Level(rawValue: log.level.rawValue) ?? .info
        format = log.format
        self.sink = sink
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let own = event.metadata { all.merge(own) { $1 } }
        let fields = all.sorted { $0.key < $1.key }.map { ($0.key, Self.cut("\($0.value)")) }
        let message = Self.cut(event.message.description)
        switch format {
        case .text: sink.append(Self.text(Self.now(), event.level, message, fields))
        case .json: sink.append(Self.json(Self.now(), event.level, message, fields))
        }
    }

    package static func text(
        _ time: String,
        _ level: Logger.Level,
        _ message: String,
        _ fields: [(String, String)]
    )
        -> [UInt8]
    {
        var line = "\(time) \(level.rawValue) \(escaped(message))"
        for (key, value) in fields {
            let needsQuotes =
                value.isEmpty || value.utf8.contains { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") }
            line += needsQuotes ? " \(key)=\"\(escaped(value))\"" : " \(key)=\(escaped(value))"
        }
        return Array(line.utf8) + [UInt8(ascii: "\n")]
    }

    package static func json(
        _ time: String,
        _ level: Logger.Level,
        _ message: String,
        _ fields: [(String, String)]
    )
        -> [UInt8]
    {
        var line = JSONText()
        line.member("time", time)
        line.member("level", level.rawValue)
        line.member("message", message)
        for (key, value) in fields { line.member(key, value) }
        return line.closed() + [UInt8(ascii: "\n")]
    }

    /// No line ends and no terminal codes from outside.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value):
                escaped += "\\u{\(String(scalar.value, radix: 16))}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= maxValueBytes
            ? text : String(decoding: text.utf8.prefix(maxValueBytes), as: UTF8.self) + "…"
    }

    /// UTC to the millisecond. C functions: `clock_gettime`, `gmtime_r`.
    private static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        gmtime_r(&time.tv_sec, &parts)
        func digits(_ value: some BinaryInteger, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date =
            "\(digits(parts.tm_year + 1_900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
        let clock = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
        return "\(date)T\(clock).\(digits(time.tv_nsec / 1_000_000, 3))Z"
    }
}
