// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A file without a name, for bytes that are read in another order than they come in.
///
/// Nothing is left of it when nobody holds it, or when the process dies. Reading and writing block: for lanes.
package final class SpoolFile: Sendable {
    private let file: FileDescriptor
    private let folder: String
    private let claim: DiskClaim

    /// - Throws: ``OriginError/writeFailed(place:reason:)``.
    init(in folder: String, claim: DiskClaim) throws(OriginError) {
        self.folder = folder
        self.claim = claim
        let path = "\(folder)/.spool"
        guard let file = FileDescriptor.opening(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600) else {
            throw .writeFailed(place: path, reason: systemReason("open"))
        }
        guard unlink(path) == 0 else {
            throw .writeFailed(place: path, reason: systemReason("unlink"))
        }
        self.file = file
    }

    /// Writes `bytes` from `offset` on.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``, as on a full disk.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(OriginError) {
        guard file.write(bytes, at: offset) else {
            throw .writeFailed(place: folder, reason: systemReason("pwrite"))
        }
        claim.spooled(bytes.count)
    }

    /// Fills `memory` with the bytes from `offset` on, which must have been written.
    /// - Throws: ``OriginError/readFailed(place:reason:)``.
    package func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int) throws(OriginError) {
        guard let count = file.read(into: memory, at: offset) else {
            throw .readFailed(place: folder, reason: systemReason("pread"))
        }
        guard count == memory.count else {
            throw .readFailed(place: folder, reason: "what was written is not there any more")
        }
    }
}
