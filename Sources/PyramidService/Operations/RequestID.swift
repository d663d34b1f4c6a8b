// SPDX-License-Identifier: Apache-2.0
package import HTTPTypes

/// The name of one request in its answer, its log line and its error.
package enum RequestID {
    /// Takes over a client's `X-Request-Id` when it is 1 to 128 harmless characters, else makes one.
    package static func of(_ fields: HTTPFields) -> String {
        let values = fields[values: .requestID]
        guard values.count == 1, let value = values.first, isHarmless(value) else { return make() }
        return value
    }

    /// 16 hex digits.
    private static func make() -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Letters, digits and `-_.:/+=@`: nothing that could end a header line, a log line or a JSON text.
    private static func isHarmless(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: "-_.:/+=@".utf8.contains(byte)
                }
            }
    }
}
