// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Writing so that a crash leaves the whole or nothing. Everything here blocks.
enum DurableFile {
    /// Writes a new file and syncs its data, not its name.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``; then a part of the file may be left.
    static func write(_ bytes: [UInt8], to path: String) throws(OriginError) {
        let file = try create(path, bytes)
        guard retrying({ fdatasync(file.raw) }) == 0 else {
            throw .writeFailed(place: path, reason: systemReason("fdatasync"))
        }
    }

    /// Writes a new file; syncs nothing.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``; then a part of the file may be left.
    @discardableResult
    static func create(_ path: String, _ bytes: [UInt8]) throws(OriginError) -> FileDescriptor {
        guard let file = FileDescriptor.opening(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644) else {
            throw .writeFailed(place: path, reason: systemReason("open"))
        }
        guard file.write(bytes) else { throw .writeFailed(place: path, reason: systemReason("write")) }
        return file
    }

    /// Moves a file or folder to `target`, in place of a file that is there; a crash may undo it until the folder of
    /// the new name is synced.
    ///
    /// Makes the folders on the way to `target` that are missing.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``.
    static func rename(_ path: String, to target: String) throws(OriginError) {
        let folder = FolderListing.parent(of: target)
        if Glibc.rename(path, target) != 0 {
            guard errno == ENOENT else { throw .writeFailed(place: target, reason: systemReason("rename")) }
            guard FolderListing.make(folder) else {
                throw .writeFailed(place: folder, reason: systemReason("mkdir"))
            }
            guard Glibc.rename(path, target) == 0 else {
                throw .writeFailed(place: target, reason: systemReason("rename"))
            }
        }
    }
}
