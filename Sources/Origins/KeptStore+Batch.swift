// SPDX-License-Identifier: Apache-2.0
import Glibc
import Workers

/// An object that is to be kept.
package struct KeptObject: Sendable {
    package let key: String
    package let bytes: [UInt8]

    package init(key: String, bytes: [UInt8]) {
        self.key = key
        self.bytes = bytes
    }
}

/// One object of a batch on its way: written under a temporary name, then synced, then renamed.
///
/// Belongs to one piece of work, from its begin to its end.
private final class Writing {
    let temporary: String
    let target: String
    let bytes: [UInt8]
    /// Open until the data is synced.
    var file: FileDescriptor?
    var failure: OriginError?

    init(temporary: String, target: String, bytes: [UInt8]) {
        self.temporary = temporary
        self.target = target
        self.bytes = bytes
    }

    /// Goes one step on, if nothing has failed; after a failure nothing of it is left.
    func step(_ body: () throws(OriginError) -> Void) {
        guard failure == nil else { return }
        do throws(OriginError) { try body() } catch {
            failure = error
            file = nil
            _ = unlink(temporary)
        }
    }

    func write() throws(OriginError) {
        let file = try DurableFile.create(temporary, bytes)
        // The disk begins with this one while the next is written.
        file.beginSync()
        self.file = consume file
    }

    func sync() throws(OriginError) {
        guard let raw = file?.raw else { return }
        guard retrying({ fdatasync(raw) }) == 0 else {
            throw .writeFailed(place: temporary, reason: systemReason("fdatasync"))
        }
        file = nil
    }
}

extension KeptStore {
    /// Keeps several objects with fewer waits for the disk: their data is on its way together, and each folder is
    /// synced once. Every one is there as a whole or not at all, whatever happens.
    ///
    /// - Returns: For each object why it was not kept; nil: no crash can undo it.
    package func keep(_ objects: [KeptObject]) async -> [OriginError?] {
        do throws(OriginError) {
            return try await writers.blocking { [self] () throws(OriginError) in
                var failures = [OriginError?](repeating: nil, count: objects.count)
                var batch: [(index: Int, writing: Writing)] = []
                for (index, object) in objects.enumerated() {
                    do throws(OriginError) {
                        let target = root.place(try Self.checked(object.key))
                        let writing = Writing(
                            temporary: temporary.newPath(),
                            target: target,
                            bytes: object.bytes
                        )
                        batch.append((index, writing))
                    } catch {
                        failures[index] = error
                    }
                }
                write(batch.map(\.writing))
                for (index, writing) in batch { failures[index] = writing.failure }
                return failures
            }
        } catch {
            return objects.map { _ in error }
        }
    }

    private func write(_ batch: [Writing]) {
        for writing in batch { writing.step { () throws(OriginError) in try writing.write() } }
        for writing in batch { writing.step { () throws(OriginError) in try writing.sync() } }
        var folders: Set<String> = []
        do throws(OriginError) {
            try whileBound { () throws(OriginError) in
                for writing in batch {
                    writing.step { () throws(OriginError) in
                        try show(writing.temporary, as: writing.target, byteCount: writing.bytes.count)
                        folders.insert(FolderListing.parent(of: writing.target))
                    }
                }
            }
        } catch {
            for writing in batch { writing.step { () throws(OriginError) in throw error } }
        }
        for folder in folders where !FolderListing.sync(folder) {
            let failure = OriginError.writeFailed(place: folder, reason: systemReason("fsync"))
            // They are there, but a crash may undo it.
            for writing in batch where FolderListing.parent(of: writing.target) == folder {
                writing.failure = writing.failure ?? failure
            }
        }
    }
}
