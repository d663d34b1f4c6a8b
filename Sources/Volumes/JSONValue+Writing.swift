// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// The value as UTF-8: members sorted by name, no white space, whole numbers without a point, other numbers in
    /// the shortest form that reads back the same, slashes as they are.
    ///
    /// A number that is not finite, which no parser here makes, is written as `null`.
    package func encoded() -> [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }

    /// The value in a message: at most about 60 characters, all printable ASCII.
    package var excerpt: String {
        let longest = 57
        var shown = ""
        for scalar in String(decoding: encoded().prefix(longest * 4), as: UTF8.self).unicodeScalars {
            let part = (0x20...0x7E).contains(scalar.value) ? String(scalar) : scalar.escaped(asASCII: true)
            guard shown.utf8.count + part.utf8.count <= longest else { return shown + "..." }
            shown += part
        }
        return shown
    }

    private func write(to output: inout [UInt8]) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .integer(let value): output += value.description.utf8
        case .number(let value):
            if let whole = Int(exactly: value) {
                output += whole.description.utf8
            } else {
                output += (value.isFinite ? value.description : "null").utf8
            }
        case .string(let value): Self.write(value, to: &output)
        case .array(let values):
            output.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                value.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.write(member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0..<0x20:
                output += "\\u00".utf8
                output.append(hexDigits[Int(byte >> 4)])
                output.append(hexDigits[Int(byte & 15)])
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
