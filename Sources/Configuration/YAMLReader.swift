// SPDX-License-Identifier: Apache-2.0
import CYAML

/// Reads one YAML document into nodes, within limits.
///
/// Aliases and anchors are refused: a configuration has no use for them, and they let a small file grow without
/// end. Keys are unique. Everything of libyaml that this project uses is in this file.
struct YAMLReader {
    static let maxDepth = 16
    static let maxNodes = 10_000

    private let path: String
    private var nodeCount = 0
    private var parser: UnsafeMutablePointer<yaml_parser_t>

    /// Returns the root of the document in `bytes`, or `nil` when there is none.
    /// - Throws: ``ConfigurationError`` with `path` and the line of the first mistake.
    static func read(_ bytes: [UInt8], path: String) throws(ConfigurationError) -> YAMLNode? {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else {
            throw ConfigurationError(.file(path, line: 1), "no memory for the YAML parser")
        }
        defer { yaml_parser_delete(parser) }
        // libyaml keeps the pointer until the parser is deleted: the bytes live in a buffer that outlasts it.
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        defer { input.deallocate() }
        _ = input.update(from: bytes)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        var reader = YAMLReader(path: path, parser: parser)
        return try reader.document()
    }

    private init(path: String, parser: UnsafeMutablePointer<yaml_parser_t>) {
        self.path = path
        self.parser = parser
    }

    /// One libyaml event, without its memory.
    private enum Event {
        case scalar(String, isQuoted: Bool)
        case sequenceStart, sequenceEnd, mappingStart, mappingEnd
        case documentStart, end, other
    }

    private mutating func document() throws(ConfigurationError) -> YAMLNode? {
        while true {
            switch try next().event {
            case .documentStart:
                let first = try next()
                let root = try node(first.event, line: first.line, depth: 0)
                try expectEnd()
                return root
            case .end:
                return nil
            case .other:
                continue
            case .scalar, .sequenceStart, .sequenceEnd, .mappingStart, .mappingEnd:
                throw error(1, "not a YAML document")
            }
        }
    }

    private mutating func expectEnd() throws(ConfigurationError) {
        while true {
            let (event, line) = try next()
            if case .end = event { return }
            if case .documentStart = event { throw error(line, "one document is enough: remove the second") }
        }
    }

    /// Recursion is bounded by ``maxDepth``.
    private mutating func node(_ event: Event, line: Int, depth: Int) throws(ConfigurationError) -> YAMLNode {
        guard depth < Self.maxDepth else { throw error(line, "nested deeper than \(Self.maxDepth) levels") }
        nodeCount += 1
        guard nodeCount <= Self.maxNodes else { throw error(line, "more than \(Self.maxNodes) values") }
        switch event {
        case .scalar(let text, let isQuoted):
            return YAMLNode(line: line, value: .scalar(text, isQuoted: isQuoted))
        case .sequenceStart:
            return YAMLNode(line: line, value: .sequence(try sequence(depth: depth)))
        case .mappingStart:
            return YAMLNode(line: line, value: .mapping(try mapping(depth: depth)))
        case .sequenceEnd, .mappingEnd, .documentStart, .end, .other:
            throw error(line, "a value is missing")
        }
    }

    private mutating func sequence(depth: Int) throws(ConfigurationError) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let (event, line) = try next()
            if case .sequenceEnd = event { return items }
            items.append(try node(event, line: line, depth: depth + 1))
        }
    }

    private mutating func mapping(depth: Int) throws(ConfigurationError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var seen: Set<String> = []
        while true {
            let (event, line) = try next()
            if case .mappingEnd = event { return entries }
            guard case .scalar(let key, _) = event else { throw error(line, "a key must be a single word") }
            guard seen.insert(key).inserted else { throw error(line, "the key `\(key)` stands here twice") }
            let value = try next()
            entries.append(
                YAMLNode.Entry(
                    key: key,
                    line: line,
                    node: try node(value.event, line: value.line, depth: depth + 1)
                )
            )
        }
    }

    /// The next event. C function: `yaml_parser_parse`.
    private mutating func next() throws(ConfigurationError) -> (event: Event, line: Int) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
            throw error(Int(parser.pointee.problem_mark.line) + 1, problem)
        }
        defer { yaml_event_delete(&event) }
        let line = Int(event.start_mark.line) + 1
        switch event.type {
        case YAML_SCALAR_EVENT:
            guard event.data.scalar.anchor == nil else { throw error(line, "anchors are not taken") }
            let text = String(
                decoding: UnsafeBufferPointer(
                    start: event.data.scalar.value,
                    count: event.data.scalar.length
                ),
                as: UTF8.self
            )
            return (.scalar(text, isQuoted: event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE), line)
        case YAML_SEQUENCE_START_EVENT:
            guard event.data.sequence_start.anchor == nil else { throw error(line, "anchors are not taken") }
            return (.sequenceStart, line)
        case YAML_MAPPING_START_EVENT:
            guard event.data.mapping_start.anchor == nil else { throw error(line, "anchors are not taken") }
            return (.mappingStart, line)
        case YAML_ALIAS_EVENT: throw error(line, "aliases are not taken")
        case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, line)
        case YAML_MAPPING_END_EVENT: return (.mappingEnd, line)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, line)
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return (.end, line)
        default: return (.other, line)
        }
    }

    private func error(_ line: Int, _ message: String) -> ConfigurationError {
        ConfigurationError(.file(path, line: line), message)
    }
}
