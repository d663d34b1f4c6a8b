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
        etag = "\"\(Fingerprint.of(bytes))\""
    }
}
