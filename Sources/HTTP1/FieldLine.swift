// SPDX-License-Identifier: Apache-2.0

/// A field line cut at its colon, by the grammar of RFC 9112 §5; for header and trailer sections alike.
struct FieldLine {
    /// Token characters, at least one.
    let name: UnsafeRawBufferPointer
    /// Without white space at its ends.
    let value: UnsafeRawBufferPointer

    /// `line` has no control bytes but tab; the line reader saw to that.
    @inline(__always)
    init(_ line: UnsafeRawBufferPointer, part: ProtocolError.Part) throws(ProtocolError) {
        var colon = 0
        while colon < line.count, ByteSet.token.contains(line[colon]) { colon &+= 1 }
        guard colon > 0, colon < line.count, line[colon] == UInt8(ascii: ":") else {
            throw Self.reason(line, nameEnd: colon, part: part)
        }
        name = line.slice(0..<colon)
        value = line.dropping(colon &+ 1).trimmed
    }

    private static func reason(
        _ line: UnsafeRawBufferPointer,
        nameEnd: Int,
        part: ProtocolError.Part
    ) -> ProtocolError {
        let shown = ProtocolError.quoted(line)
        guard nameEnd < line.count else { return .malformedField("The line \(shown) has no colon.", part) }
        switch (line[nameEnd], nameEnd) {
        case (0x20, 0), (0x09, 0):
            return .malformedField("A line begins with white space; folded lines are not accepted.", part)
        case (UInt8(ascii: ":"), 0):
            return .malformedField("The line \(shown) has an empty name.", part)
        case (0x20, _), (0x09, _):
            return .malformedField("White space stands in or behind the name in \(shown).", part)
        default:
            return .malformedField("The name in \(shown) has a character that names cannot have.", part)
        }
    }
}
