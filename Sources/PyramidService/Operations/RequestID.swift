// SPDX-License-Identifier: Apache-2.0
package import HTTPTypes
import Synchronization

/// The name of one request in its answer, its log line and its error.
package enum RequestID {
    /// Takes over a client's `X-Request-Id` when it is 1 to 128 harmless characters, else makes one.
    package static func of(_ fields: HTTPFields) -> String {
        let values = fields[values: .requestID]
        guard values.count == 1, let value = values.first, isHarmless(value) else { return make() }
        return value
    }

    private static let first = UInt64.random(in: .min ... .max)
    private static let count = Atomic<UInt64>(0)

    /// 16 hex digits: ids are to differ, not to be secret, so they cost no call to the kernel each.
    private static func make() -> String {
        // The bits of splitmix64, which maps no two numbers to one (Steele, Lea, Flood 2014).
        var bits = first &+ count.wrappingAdd(1, ordering: .relaxed).newValue &* 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits &>> 27)) &* 0x94D0_49BB_1331_11EB
        bits ^= bits &>> 31
        return String(unsafeUninitializedCapacity: 16) { text in
            for place in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: bits &>> UInt64(60 - 4 * place) & 15)
                text[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
            return 16
        }
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
