// SPDX-License-Identifier: Apache-2.0

/// An object as its origin has it: one chunk file, one `info`.
package struct StoredObject: Sendable {
    /// What `bytes` are packed with.
    package enum Coding: Sendable, Hashable {
        case identity, gzip
    }

    package let bytes: [UInt8]
    package let coding: Coding
    /// Tells whether the object is still the same one: an ETag, a date, or a file's size and time; `nil`: unknown.
    package let version: String?

    package init(bytes: [UInt8], coding: Coding, version: String?) {
        self.bytes = bytes
        self.coding = coding
        self.version = version
    }
}
