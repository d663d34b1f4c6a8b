// SPDX-License-Identifier: Apache-2.0

/// One file of the page for people.
package struct PageFile: Sendable, Equatable {
    /// The media type, with the charset where it is text.
    package let type: String
    package let bytes: [UInt8]
    /// A strong entity tag, quotes included: it changes with the bytes and with nothing else.
    package let etag: String

    /// Takes bytes and makes their tag.
    package init(type: String, bytes: [UInt8]) {
        self.type = type
        self.bytes = bytes
        etag = Self.tag(bytes)
    }

    /// FNV-1a of 64 bits: tells versions of a file apart; nobody gains by making two that agree.
    private static func tag(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return "\"" + String(repeating: "0", count: 16 - digits.count) + digits + "\""
    }
}
