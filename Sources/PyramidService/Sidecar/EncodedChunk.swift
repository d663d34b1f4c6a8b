// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
package import Origins
import Voxels

/// A chunk, or another object, in one of its content codings, with its entity tag.
package struct EncodedChunk: Sendable {
    package let bytes: [UInt8]
    package let coding: StoredObject.Coding
    /// A strong entity tag with its quotes, another one for each coding.
    package let tag: String

    /// The tag is made of `fingerprint`, which tells versions of a volume apart, and of the bytes.
    package init(_ bytes: [UInt8], _ coding: StoredObject.Coding, fingerprint: String) {
        self.bytes = bytes
        self.coding = coding
        let crc = String(bytes.withUnsafeBytes { CRC32.update(0, $0) }, radix: 16)
        let suffix = coding == .gzip ? "-gz" : ""
        tag = "\"\(fingerprint)-\(crc)-\(String(bytes.count, radix: 16))\(suffix)\""
    }

    /// For bytes that are read here and never sent, which saves their checksum.
    init(untagged bytes: [UInt8], _ coding: StoredObject.Coding) {
        self.bytes = bytes
        self.coding = coding
        tag = ""
    }
}

/// Names a chunk of an open volume in one content coding.
package struct ChunkKey: Hashable, Sendable {
    /// Differs for each opening of a volume, so that nothing old is taken for new.
    let volume: UInt32
    let level: UInt16
    /// Which of the level's chunk sizes.
    let grid: UInt16
    let cell: Extent3
    let coding: StoredObject.Coding
}
