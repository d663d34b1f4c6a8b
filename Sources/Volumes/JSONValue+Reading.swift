// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

extension JSONValue {
    /// Arrays and objects may lie in each other as deep as this. The decoder recurses; its own bound is 512.
    package static let maxDepth = 32

    /// Reads a JSON text.
    ///
    /// Of two members of one name the first counts. A number that no `Double` comes near to (`1e400`), and text with
    /// half a surrogate pair, are errors.
    /// - Parameters:
    ///   - bytes: UTF-8.
    ///   - limit: More bytes are refused unread.
    /// - Throws: ``InfoError/tooLong(byteCount:limit:)`` and ``InfoError/notJSON(_:)``.
    package init(parsing bytes: [UInt8], limit: Int) throws(InfoError) {
        guard bytes.count <= limit else { throw .tooLong(byteCount: bytes.count, limit: limit) }
        try Self.checkOutline(bytes)
        do {
            self = try JSONDecoder().decode(Decoded.self, from: Data(bytes)).value
        } catch DecodingError.typeMismatch(_, let context) {
            // All types of JSON were tried: this is a number or a text that no value here can hold.
            throw .notJSON(
                "the value \(Self.place(context.codingPath)) is a number or a text that cannot be held"
            )
        } catch {
            throw .notJSON("it breaks the grammar of RFC 8259")
        }
    }

    /// Finds what must not reach the decoder: other encodings, which it would guess, brackets too deep for a stack, and
    /// commas behind the last element, which it would let through. Texts that were cut off are told apart while at it.
    private static func checkOutline(_ bytes: [UInt8]) throws(InfoError) {
        // Without NUL bytes the decoder takes the text for UTF-8, as this loop does.
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
            throw .notJSON("it is not UTF-8 text")
        }
        var depth = 0
        var isInString = false
        var isEscaped = false
        var isBehindComma = false
        for (offset, byte) in bytes.enumerated() {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            if byte == 0x20 || (0x09...0x0D).contains(byte) { continue }
            let wasBehindComma = isBehindComma
            isBehindComma = byte == UInt8(ascii: ",")
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                guard depth <= maxDepth else {
                    throw .notJSON(
                        "more than \(maxDepth) arrays and objects lie in each other at byte \(offset)"
                    )
                }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                guard depth >= 0 else {
                    throw .notJSON("at byte \(offset) nothing is open that could be closed")
                }
                guard !wasBehindComma else {
                    throw .notJSON("at byte \(offset) something must follow the comma before it")
                }
            default: break
            }
        }
        guard !isInString, depth == 0 else {
            throw .notJSON(
                "after \(bytes.count) bytes it ends inside \(isInString ? "a text" : "an array or object")"
            )
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        guard !path.isEmpty else { return "of all" }
        var text = ""
        for key in path.prefix(maxDepth) {
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + JSONPath.shown(key.stringValue)
            }
        }
        return "of `\(text)`"
    }
}

/// A value on its way out of the decoder.
private struct Decoded: Decodable {
    let value: JSONValue

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if var list = try? decoder.unkeyedContainer() {
            var values: [JSONValue] = []
            while !list.isAtEnd { values.append(try list.decode(Decoded.self).value) }
            value = .array(values)
        } else if let object = try? decoder.container(keyedBy: Name.self) {
            var members: [String: JSONValue] = [:]
            for name in object.allKeys {
                members[name.stringValue] = try object.decode(Decoded.self, forKey: name).value
            }
            value = .object(members)
        } else {
            let single = try decoder.singleValueContainer()
            if single.decodeNil() {
                value = .null
            } else if let bool = try? single.decode(Bool.self) {
                value = .bool(bool)
            } else if let integer = try? single.decode(Int.self) {
                value = .integer(integer)
            } else if let number = try? single.decode(Double.self), number.isFinite {
                value = .number(number)
            } else {
                value = .string(try single.decode(String.self))
            }
        }
    }
}
