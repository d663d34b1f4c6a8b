// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Workers

/// A folder that is being built and that nobody sees yet; without a commit nothing is left of it.
package final class FolderDraft: Sendable {
    /// Where its files are, for whoever reads what was written before it is committed.
    package let path: String
    /// Opened before anything was written, since a sync of it tells of what failed to be written since then.
    private let folder: FileDescriptor
    private let claim: DiskClaim
    private let set: FolderSet
    private let files: WorkerPool
    private let state = Mutex(State.open)

    private enum State { case open, committed, discarded }

    init(path: String, folder: consuming FileDescriptor, claim: DiskClaim, set: FolderSet, files: WorkerPool)
    {
        self.path = path
        self.folder = folder
        self.claim = claim
        self.set = set
        self.files = files
    }

    deinit {
        guard state.withLock({ $0 == .open }) else { return }
        set.discard(path)
        claim.end()
    }

    /// How many bytes its objects have so far.
    package var bytes: Int { claim.writtenBytes }

    /// Makes a file without a name on the same disk, for what must wait there before it can be written as objects.
    ///
    /// Its bytes count as announced by ``DiskNeed/scratch``.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``, ``OriginError/stopped`` after the draft's end.
    package func spool() async throws(OriginError) -> SpoolFile {
        guard state.withLock({ $0 == .open }) else { throw .stopped }
        return try await files.blocking { [path, claim] () throws(OriginError) in
            try SpoolFile(in: path, claim: claim)
        }
    }

    /// Writes the object `key`, which must not be there yet; nothing is synced before the commit.
    ///
    /// Several may be written at the same time.
    /// - Parameters:
    ///   - key: As for an ``Origin``.
    ///   - bytes: The object.
    ///   - coding: What `bytes` are packed with; packed ones are the file `KEY.gz`.
    /// - Throws: ``OriginError``: on a full disk, and when the object is there already.
    package func write(
        _ key: String,
        _ bytes: [UInt8],
        coding: StoredObject.Coding = .identity
    ) async throws(OriginError) {
        let key = try ObjectKey(key)
        guard state.withLock({ $0 == .open }) else { throw .stopped }
        let target = "\(path)/\(key.path)" + (coding == .gzip ? ".gz" : "")
        try await files.blocking { () throws(OriginError) in
            let folder = FolderListing.parent(of: target)
            if access(folder, F_OK) != 0, !FolderListing.make(folder, isDurable: false) {
                throw .writeFailed(place: folder, reason: systemReason("mkdir"))
            }
            try DurableFile.create(target, bytes)
        }
        claim.wrote(bytes.count)
    }

    /// Makes the folder durable and publishes it under `name`, in one step that nobody sees a part of.
    ///
    /// All writes must have returned. After a failure the draft is discarded.
    /// - Parameters:
    ///   - name: `[a-z0-9][a-z0-9._-]{0,127}`.
    ///   - replacing: Whether a folder of that name may be there, which is replaced then; its readers keep it.
    /// - Returns: The folder as it is published.
    /// - Throws: ``OriginError/nameTaken(_:)``, also when another draft was faster; ``OriginError/brokenName(_:)``;
    ///   ``OriginError/writeFailed(place:reason:)``.
    package func commit(name: String, replacing: Bool) async throws(OriginError) -> PublishedFolder {
        guard end(.committed) else { throw .stopped }
        defer { claim.end() }
        do throws(OriginError) {
            return try await files.blocking { [self] () throws(OriginError) in
                try set.publish(path, folder, as: name, replacing: replacing)
            }
        } catch {
            // If the folder has been moved already, the set takes care of it.
            set.discard(path)
            throw error
        }
    }

    /// Removes the folder; after a commit it does nothing.
    ///
    /// All writes must have returned. When it returns, what they took of the disk is free again.
    package func discard() async {
        if end(.discarded) { set.discard(path) }
        await set.settled()
        claim.end()
    }

    private func end(_ end: State) -> Bool {
        state.withLock { state in
            guard state == .open else { return false }
            state = end
            return true
        }
    }
}
