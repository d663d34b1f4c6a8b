// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. `ROOT/NAME` is a symbolic link to `.generations/NAME@NUMBER`, a folder that never changes once it is there. To
//    publish is to make or replace the link, which the system does in one step: a reader finds the old folder or the new.
// 2. A folder is built in `.tmp`, and all of it is synced before the link is made. Then the folder that holds the new
//    name is synced. After a crash there is the old state or the new, and nothing between.
// 3. Whoever reads a generation holds a shared lock on its folder, in whichever process. What no link points to, and
//    what nobody holds, is removed: by the last to let go, or at the next start if all died.
// 4. Between a folder's move to `.generations` and its link, its builder holds that lock, so no sweep takes it.
import CCurl
import Dispatch
import Glibc
import Synchronization
import VolumeNames
package import Workers

/// Folders under names, each of which is published, replaced and removed as a whole: uploaded volumes.
///
/// Several processes may use one set at the same time.
package final class FolderSet: Sendable {
    static let generations = ".generations"
    /// How often a reader looks again because the folder it found was replaced and removed meanwhile.
    private static let attempts = 100

    /// The folder of the set.
    package let root: String

    private let temporary: TemporaryFolder
    private let files: WorkerPool
    private let room = DiskRoom()
    /// Held while a link is read and changed, so that the generation it led to is known for sure.
    private let naming = Mutex(())
    /// Removes what nobody holds, one after the other, so that letting go never waits.
    private let undertaker = DispatchQueue(label: "pyramidion.folder-set")
    /// Makes the names in a folder durable.
    private let sync: @Sendable (String) -> Bool

    /// Opens the set, makes its folder if need be, and removes what a crash left and what no name leads to.
    /// - Parameters:
    ///   - root: The folder, for this set alone.
    ///   - files: Where work may block.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``.
    package convenience init(root: String, files: WorkerPool) throws(OriginError) {
        try self.init(root: root, files: files) { FolderListing.sync($0) }
    }

    /// `sync` makes the names in a folder durable; false on failure, with the reason in `errno`.
    init(root: String, files: WorkerPool, sync: @escaping @Sendable (String) -> Bool) throws(OriginError) {
        self.root = root
        self.files = files
        self.sync = sync
        temporary = try TemporaryFolder(root: root)
        let all = "\(root)/\(Self.generations)"
        guard FolderListing.make(all) else { throw .writeFailed(place: all, reason: systemReason("mkdir")) }
        var names: [String] = []
        FolderListing.each(in: all) { name, _ in
            names.append(name)
            return true
        }
        for name in names { removeUnlessUsed(name) }
    }

    /// Lists the names that are published, sorted.
    /// - Returns: The names; any of them may be gone a moment later.
    /// - Throws: ``OriginError``.
    package func list() async throws(OriginError) -> [String] {
        try await files.blocking { [self] () throws(OriginError) in
            var names: [String] = []
            let isOpen = FolderListing.each(in: root, followingPath: true) { name, status in
                if status.isLink, VolumeName.isValid(name) { names.append(name) }
                return true
            }
            guard isOpen else { throw .readFailed(place: root, reason: systemReason("open")) }
            return names.sorted()
        }
    }

    /// Finds the folder under `name`, which stays as it is for as long as the result is held.
    /// - Returns: The folder; nil when there is none.
    /// - Throws: ``OriginError``; ``OriginError/brokenName(_:)`` for what is no name.
    package func open(_ name: String) async throws(OriginError) -> PublishedFolder? {
        guard VolumeName.isValid(name) else { throw .brokenName(name) }
        return try await files.blocking { [self] () throws(OriginError) in try held(name) }
    }

    /// Begins a new folder, which nobody sees until it is committed.
    ///
    /// What other drafts have announced and not yet written is not theirs to take twice.
    /// - Parameter need: What will be written into it, as far as that is known.
    /// - Returns: An empty draft.
    /// - Throws: ``OriginError``; ``OriginError/noRoom(place:unit:needed:free:)`` when the file system says that there
    ///   is not so much left.
    package func begin(needing need: DiskNeed = .unknown) async throws(OriginError) -> FolderDraft {
        try await files.blocking { [self] () throws(OriginError) in
            let path = temporary.newPath()
            let claim = try room.claim(need, at: root)
            guard mkdir(path, 0o755) == 0 else {
                throw .writeFailed(place: path, reason: systemReason("mkdir"))
            }
            guard let folder = FileDescriptor.opening(path, O_RDONLY | O_DIRECTORY) else {
                let reason = systemReason("open")
                rmdir(path)
                throw .writeFailed(place: path, reason: reason)
            }
            return FolderDraft(path: path, folder: folder, claim: claim, set: self, files: files)
        }
    }

    /// Removes the folder under `name` for good; its files go when its last reader lets go of it.
    ///
    /// When it throws, the folder is there as before.
    /// - Returns: Whether there was one.
    /// - Throws: ``OriginError``; ``OriginError/brokenName(_:)`` for what is no name.
    package func remove(_ name: String) async throws(OriginError) -> Bool {
        guard VolumeName.isValid(name) else { throw .brokenName(name) }
        return try await files.blocking { [self] () throws(OriginError) in
            let link = "\(root)/\(name)"
            let (old, code) = naming.withLock { _ in (generation(of: name), unlink(link) == 0 ? 0 : errno) }
            guard code == 0 else {
                if code == ENOENT { return false }
                throw .writeFailed(place: link, reason: systemReason("unlink", code))
            }
            if !sync(root) {
                let reason = systemReason("fsync")
                // Where it cannot be put back it is gone, which is what was asked for.
                if let old, putBack(old, as: name) { throw .writeFailed(place: root, reason: reason) }
            }
            if let old { letGo(of: old) }
            return true
        }
    }

    /// Returns when everything that nobody holds any more, and every draft that was discarded, has been removed.
    package func settled() async {
        await withCheckedContinuation { continuation in undertaker.async { continuation.resume() } }
    }

    // MARK: On lanes

    /// Publishes the folder at `draft` under `name`; `folder` was opened before anything was written to it.
    func publish(
        _ draft: String,
        _ folder: borrowing FileDescriptor,
        as name: String,
        replacing: Bool
    ) throws(OriginError) -> PublishedFolder {
        guard VolumeName.isValid(name) else { throw .brokenName(name) }
        // Asked before the work is done as well: making the link decides.
        if !replacing, generation(of: name) != nil { throw .nameTaken(name) }
        // The whole file system: for the thousands of files of a volume that takes a hundredth of the time of a sync for
        // each file. Seen on ext4: 2000 files of 64 KiB in 0.06 s against 5.5 s.
        guard syncfs(folder.raw) == 0 else {
            throw .writeFailed(place: draft, reason: systemReason("syncfs"))
        }
        guard let lock = FolderLock.shared(draft) else {
            throw .writeFailed(place: draft, reason: "it is gone, or somebody else locks it")
        }
        let generation = "\(name)@\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        try DurableFile.rename(draft, to: path(of: generation))
        let old: String?
        do throws(OriginError) {
            let all = "\(root)/\(Self.generations)"
            guard sync(all) else { throw .writeFailed(place: all, reason: systemReason("fsync")) }
            old = try link(name, to: generation, replacing: replacing)
        } catch {
            _ = consume lock
            letGo(of: generation)
            throw error
        }
        if let old { letGo(of: old) }
        return PublishedFolder(
            name: name,
            path: path(of: generation),
            generation: generation,
            set: self,
            lock: lock
        )
    }

    /// Makes the link durable under its name; returns the generation that it pointed to before.
    private func link(_ name: String, to generation: String, replacing: Bool) throws(OriginError) -> String? {
        let link = "\(root)/\(name)"
        let target = "\(Self.generations)/\(generation)"
        let (old, code): (String?, Int32) = naming.withLock { _ in
            // Of two who publish under one name at the same time, the system lets one make the link.
            guard replacing else { return (nil, symlink(target, link) == 0 ? 0 : errno) }
            let old = self.generation(of: name)
            let new = temporary.newPath()
            let code = symlink(target, new) == 0 && rename(new, link) == 0 ? 0 : errno
            if code != 0 { _ = unlink(new) }
            return (old, code)
        }
        guard code == 0 else {
            if code == EEXIST { throw .nameTaken(name) }
            throw .writeFailed(place: link, reason: systemReason("symlink", code))
        }
        guard sync(root) else {
            let reason = systemReason("fsync")
            naming.withLock { _ in takeBack(name, to: generation, before: old) }
            throw .writeFailed(place: root, reason: reason)
        }
        return old
    }

    /// Undoes a link that could not be made durable, as far as the disk still takes it: whoever was told that nothing
    /// is there must not find it.
    private func takeBack(_ name: String, to generation: String, before old: String?) {
        guard self.generation(of: name) == generation else { return }
        let link = "\(root)/\(name)"
        let new = temporary.newPath()
        if let old, symlink("\(Self.generations)/\(old)", new) == 0, rename(new, link) == 0 { return }
        _ = unlink(link)
    }

    /// Makes the link of a generation again that was just removed; false when the disk does not take it, or somebody has
    /// published under its name since.
    private func putBack(_ generation: String, as name: String) -> Bool {
        naming.withLock { _ in symlink("\(Self.generations)/\(generation)", "\(root)/\(name)") == 0 }
    }

    private func held(_ name: String) throws(OriginError) -> PublishedFolder? {
        for _ in 0..<Self.attempts {
            guard let generation = generation(of: name) else {
                if errno == ENOENT || errno == EINVAL { return nil }
                throw .readFailed(place: "\(root)/\(name)", reason: systemReason("readlink"))
            }
            let path = path(of: generation)
            if let lock = FolderLock.shared(path) {
                return PublishedFolder(name: name, path: path, generation: generation, set: self, lock: lock)
            }
            // Replaced and removed since the link was read, unless the link still says the same.
            if self.generation(of: name) == generation, access(path, F_OK) != 0 {
                throw .readFailed(place: path, reason: "the folder that '\(name)' leads to is gone")
            }
            sched_yield()
        }
        throw .readFailed(place: "\(root)/\(name)", reason: "it was replaced each time it was opened")
    }

    /// The generation that the link `name` leads to; nil, with the reason in `errno`, if there is no such link.
    private func generation(of name: String) -> String? {
        let capacity = 512
        var length = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            buffer.withMemoryRebound(to: CChar.self) { text in
                length = text.baseAddress.map { readlink("\(root)/\(name)", $0, capacity) } ?? -1
            }
            count = max(0, length)
        }
        guard length >= 0 else { return nil }
        let prefix = "\(Self.generations)/\(name)@"
        let target = String(decoding: bytes, as: UTF8.self)
        guard target.hasPrefix(prefix), !target.dropFirst(prefix.count).contains("/") else {
            errno = EINVAL
            return nil
        }
        return String(target.dropFirst(Self.generations.count + 1))
    }

    private func path(of generation: String) -> String { "\(root)/\(Self.generations)/\(generation)" }

    // MARK: Letting go

    /// Removes a generation soon, if no name leads to it and nobody holds it.
    func letGo(of generation: String) {
        undertaker.async { self.removeUnlessUsed(generation) }
    }

    /// Removes a draft soon.
    func discard(_ path: String) {
        undertaker.async { FolderListing.remove(path) }
    }

    private func removeUnlessUsed(_ generation: String) {
        let path = path(of: generation)
        // Nobody can begin to hold it while it is locked for one, and no name can come to lead to it: a name is given
        // under a shared lock.
        guard let lock = FolderLock.exclusive(path) else { return }
        let name =
            generation.split(separator: "@", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        guard !VolumeName.isValid(name) || self.generation(of: name) != generation else { return }
        FolderListing.remove(path)
        _ = consume lock
    }
}
