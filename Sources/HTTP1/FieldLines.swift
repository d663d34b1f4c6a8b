// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// The fields of an answer as they go over the wire, a line each.
///
/// No value can split an answer: CR, LF and NUL become spaces (RFC 9110 §5.5).
///
/// `Date`, `Content-Length`, `Transfer-Encoding` and `Connection` belong to the server: such fields of the service are
/// left out, since two of them could contradict each other. `Connection: close` is a wish that ``asksToClose`` shows.
package struct FieldLines: Sendable, Equatable {
    /// Whole lines, each with its CRLF.
    package private(set) var bytes: [UInt8] = []
    /// Whether one of the fields was `Connection: close`.
    package private(set) var asksToClose = false

    /// No fields.
    package init() {}

    /// The lines of `fields`, in their order.
    package init(_ fields: HTTPFields) {
        for field in fields { append(field) }
    }

    /// Makes room for lines of `byteCount` bytes in all.
    package mutating func reserve(_ byteCount: Int) { bytes.reserveCapacity(byteCount) }

    /// Adds one field.
    package mutating func append(_ field: HTTPField) {
        guard !isOwned(field) else { return }
        bytes.append(contentsOf: field.name.rawName.utf8)
        append(": ")
        let start = bytes.count
        field.withUnsafeBytesOfValue { bytes.append(contentsOf: $0) }
        endLine(valueFrom: start)
    }

    /// Adds one field that is not the server's.
    ///
    /// - Parameters:
    ///   - name: A token, in its usual spelling.
    ///   - value: Without white space at its ends.
    package mutating func append(_ name: StaticString, _ value: String) {
        append(name)
        append(": ")
        let start = bytes.count
        bytes.append(contentsOf: value.utf8)
        endLine(valueFrom: start)
    }

    /// Adds the lines of `others`.
    package mutating func append(_ others: FieldLines) {
        bytes.append(contentsOf: others.bytes)
        asksToClose = asksToClose || others.asksToClose
    }

    private mutating func endLine(valueFrom start: Int) {
        // Without a way out of the loop, which vectors do not have.
        var found: UInt8 = 0
        for index in start..<bytes.count { found |= isUnsafe(bytes[index]) ? 1 : 0 }
        if found != 0 {
            for index in start..<bytes.count where isUnsafe(bytes[index]) { bytes[index] = 0x20 }
        }
        append("\r\n")
    }

    private mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func isOwned(_ field: HTTPField) -> Bool {
        // Compares lengths first, which spares most comparisons of names.
        switch field.name.rawName.utf8.count {
        case 4: return field.name == .date
        case 10 where field.name == .connection:
            if field.value.lowercased() == "close" { asksToClose = true }
            return true
        case 14: return field.name == .contentLength
        case 17: return field.name == .transferEncoding
        default: return false
        }
    }
}

extension FieldLines: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral fields: (HTTPField.Name, String)...) {
        for (name, value) in fields { append(HTTPField(name: name, value: value)) }
    }
}

/// Whether a byte could end a line, and so an answer.
private func isUnsafe(_ byte: UInt8) -> Bool { byte == 0x0D || byte == 0x0A || byte == 0 }
