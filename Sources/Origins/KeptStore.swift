// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. A chunk is written under a temporary name in the same file system, its data synced, and then renamed: after a crash
//    it is there as a whole or not at all. Then its folder is synced, so that `keep` returns when nothing can undo it.
// 2. Every `keep` syncs its own file, on its own lane; the file system joins syncs that are under way together. Seen on
//    ext4 with 64 KiB chunks: 7 ms for one alone, 0.4 ms each with four or more lanes. A batch (`KeptStore+Batch`)
//    begins all writes, then syncs file after file, of which the first waits for the disk, and each folder once.
// 3. The last use is the file's time of access, set by us, since a mount may have `noatime` or `relatime`. It is set at
//    most once in `touchInterval` for each file, so that a busy chunk is not written to with every read.
import Dispatch
import Glibc
import Synchronization
package import Workers

/// What came of reading a kept object without waiting for a disk.
package enum KeptReady: Sendable {
    case object(StoredObject)
    case absent
    /// It has to be waited for, or cannot be read: ``KeptStore/object(_:limit:)`` says which.
    case notReady
}

/// A folder of objects that were made and are kept: a plain precomputed volume, which any viewer can read by itself.
package final class KeptStore: Sendable {
    /// The folder.
    package var name: String { root.path }

    let root: FolderRoot
    let temporary: TemporaryFolder
    let budget: DiskBudget
    let tally = FileTally()
    let files: WorkerPool
    let writers: WorkerPool
    private let isLocal: Bool
    /// A minute, in nanoseconds.
    private static let touchInterval: Int64 = 60_000_000_000
    static let lockTries = 600
    private static let lockPause = Duration.milliseconds(50)
    static let lockPauseMicroseconds: UInt32 = 50_000
    static let lockedForLong = "another process has been opening it for long"
    let binding = Mutex(StoreBinding.none)
    /// Removes what was moved away, which may be millions of files, so that nobody waits for it. What it has not come to
    /// when the process ends is removed at the next opening.
    let undertaker = DispatchQueue(label: "pyramidion.kept-store")

    /// Opens the store, makes its folder if need be, and removes what a crash left half written.
    ///
    /// Blocks for a few system calls; what the folder holds is counted later, beside everything else.
    /// - Parameters:
    ///   - root: The folder, for this store alone; other processes may use it at the same time.
    ///   - budget: Shared with the stores of other volumes.
    ///   - files: Where reading may block.
    ///   - writers: Where writing may block; nil: `files`. Lanes of their own keep reads from waiting behind syncs,
    ///     and four or more let the file system join the syncs.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``.
    package init(
        root: String,
        budget: DiskBudget,
        files: WorkerPool,
        writers: WorkerPool? = nil
    ) throws(OriginError) {
        temporary = try TemporaryFolder(root: root)
        self.root = FolderRoot(path: root)
        self.budget = budget
        self.files = files
        self.writers = writers ?? files
        isLocal = self.root.isLocal
        budget.join(root, tally)
    }

    /// Reads what is kept under `key`, and notes that it was used.
    /// - Parameters:
    ///   - key: As for an ``Origin``.
    ///   - limit: How many bytes are taken at most.
    /// - Returns: The object; nil when it is not there, or what is there is not what the store is bound to.
    /// - Throws: ``OriginError``.
    package func object(_ key: String, limit: Int) async throws(OriginError) -> StoredObject? {
        let key = try Self.checked(key)
        return try await files.blocking { [self] () throws(OriginError) in
            let object = try root.object(key, limit: limit) { file in
                if budget.limit > 0 { Self.touch(file) }
            }
            return isBound ? object : nil
        }
    }

    /// Keeps `bytes` under `key`, in place of an earlier object; returns when no crash can undo it.
    ///
    /// On a full disk, or any other failure, nothing is left of it. A cancelled task's object is kept all the same if
    /// writing had begun.
    /// - Parameters:
    ///   - key: As for an ``Origin``.
    ///   - bytes: The object.
    ///   - coding: What `bytes` are packed with; packed ones are the file `KEY.gz`, and a `KEY` beside it wins.
    /// - Throws: ``OriginError``.
    package func keep(
        _ key: String,
        _ bytes: [UInt8],
        coding: StoredObject.Coding = .identity
    ) async throws(OriginError) {
        let key = try Self.checked(key)
        try await writers.blocking { [self] () throws(OriginError) in
            let target = root.place(key, suffix: coding == .gzip ? ".gz" : "")
            let file = temporary.newPath()
            do throws(OriginError) {
                try DurableFile.write(bytes, to: file)
                try whileBound { () throws(OriginError) in
                    try show(file, as: target, byteCount: bytes.count)
                }
                let folder = FolderListing.parent(of: target)
                guard FolderListing.sync(folder) else {
                    throw .writeFailed(place: folder, reason: systemReason("fsync"))
                }
            } catch {
                _ = unlink(file)
                throw error
            }
        }
    }

    /// Gives the file at `temporary` its name, in place of one that has it, and counts it.
    func show(_ temporary: String, as target: String, byteCount: Int) throws(OriginError) {
        try tally.adding(target) { () throws(OriginError) in
            var old = stat()
            let replaced = lstat(target, &old) == 0 ? Int(old.st_size) : nil
            try DurableFile.rename(temporary, to: target)
            budget.wrote(target, bytes: byteCount, replaced: replaced)
            return replaced == nil
        }
    }

    /// Whether there is an object under `key`, packed or not.
    /// - Throws: ``OriginError/brokenKey(_:reason:)``.
    package func contains(_ key: String) async throws(OriginError) -> Bool {
        let key = try Self.checked(key)
        return try await files.blocking { [self] () throws(OriginError) in
            ["", ".gz"].contains { access(root.place(key, suffix: $0), F_OK) == 0 } && isBound
        }
    }

    /// The object under `key`, if it takes no waiting to read it: for work on a lane, which a few system calls do not hold
    /// up and a disk would.
    ///
    /// `limit`: As for ``object(_:limit:)``. Failures are no errors here, nor are folders that are not on a disk of this
    /// machine: they are ``KeptReady/notReady``.
    package func readyObject(_ key: String, limit: Int) -> KeptReady {
        guard isLocal, let key = try? Self.checked(key) else { return .notReady }
        // Two calls tell the usual case, that it is not there.
        var status = stat()
        let isAbsent = ["", ".gz"].allSatisfy {
            lstat(root.place(key, suffix: $0), &status) != 0 && errno == ENOENT
        }
        guard !isAbsent else { return .absent }
        do throws(OriginError) {
            if let file = try root.open(key) { return ready(file, .identity, limit) }
            guard let file = try root.open(key, suffix: ".gz") else { return .absent }
            return ready(file, .gzip, limit)
        } catch {
            return .notReady
        }
    }

    private func ready(_ file: borrowing OpenFile, _ coding: StoredObject.Coding, _ limit: Int) -> KeptReady {
        // Looked at when the object is open: it is of that state then.
        guard isBound else { return .absent }
        let size = Int(file.status.st_size)
        guard size <= limit, let bytes = file.descriptor.readNow(size) else { return .notReady }
        if budget.limit > 0 { Self.touch(file) }
        return .object(StoredObject(bytes: bytes, coding: coding, version: file.status.version))
    }

    /// Counts the objects in the folder under `key`, without those below it, for ``count(below:)``.
    package func countKept(below key: String) async {
        guard let key = try? Self.checked(key) else { return }
        try? await files.blocking { [root, tally] () throws(OriginError) in tally.recount(root.place(key)) }
    }

    /// How many objects the folder under `key` has, without those below it: as counted by ``countKept(below:)``, and as
    /// they were kept and removed since; 0 when there is no such folder.
    package func count(below key: String) -> Int {
        guard let key = try? Self.checked(key) else { return 0 }
        return tally.count(root.place(key))
    }

    /// Removes the object `prefix` and everything below the folder `prefix`: the key of a scale, say.
    ///
    /// Nobody sees a part of it: it is moved away, and its files go behind the return.
    /// - Throws: ``OriginError``.
    package func remove(prefix: String) async throws(OriginError) {
        let key = try Self.checked(prefix)
        try await writers.blocking { [self] () throws(OriginError) in
            try moveAway([root.place(key)])
            tally.forget(below: root.place(key))
        }
    }

    /// Returns when everything that was removed has left the disk.
    package func settled() async {
        await withCheckedContinuation { continuation in undertaker.async { continuation.resume() } }
    }

    /// Runs `body` while no other process does so with this folder: what one finds out of date and removes, another may
    /// have begun anew a moment before.
    /// - Throws: What `body` throws; ``OriginError/writeFailed(place:reason:)`` when others have it for half a minute.
    package func alone<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        for _ in 0..<Self.lockTries {
            let lock = try await files.blocking { [lockPath] () throws(OriginError) in HeldLock(lockPath) }
            guard let lock else {
                try await Task.sleep(for: Self.lockPause)
                continue
            }
            defer { withExtendedLifetime(lock) {} }
            return try await body()
        }
        throw OriginError.writeFailed(place: root.path, reason: Self.lockedForLong)
    }

    /// The folder whose lock is for whoever begins the store anew, and is shared by those who add to it.
    var lockPath: String { "\(root.path)/\(TemporaryFolder.name)" }

    /// Removes everything that is kept, `info` first; the files go behind the return, so that it takes little time
    /// whatever there is.
    /// - Throws: ``OriginError``.
    package func clear() async throws(OriginError) {
        try await writers.blocking { [self] () throws(OriginError) in
            var names: [String] = []
            FolderListing.each(in: root.path, followingPath: true) { name, _ in
                if name != TemporaryFolder.name { names.append(name) }
                return true
            }
            if let info = names.firstIndex(of: "info") { names.swapAt(0, info) }
            try moveAway(names.map { "\(root.path)/\($0)" })
            tally.forget(below: root.path)
        }
    }

    /// Moves files and folders, all of which lie in one folder, to where nobody looks, and has them removed.
    private func moveAway(_ paths: [String]) throws(OriginError) {
        var away: [String] = []
        // What has been moved goes even if the next one cannot be.
        defer {
            budget.sweepSoon()
            undertaker.async { [away, temporary] in
                for path in away { FolderListing.remove(path) }
                withExtendedLifetime(temporary) {}
            }
        }
        for path in paths {
            let target = temporary.newPath()
            if rename(path, target) == 0 {
                away.append(target)
            } else if errno != ENOENT, errno != ENOTDIR {
                throw .writeFailed(place: path, reason: systemReason("rename"))
            }
        }
        // A crash must not bring back what somebody found out of date.
        guard let last = paths.last, !away.isEmpty else { return }
        guard FolderListing.sync(FolderListing.parent(of: last)) else {
            throw .writeFailed(place: last, reason: systemReason("fsync"))
        }
    }

    private static func touch(_ file: borrowing OpenFile) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let (age, overflow) = now.inNanoseconds.subtractingReportingOverflow(file.status.lastUse)
        guard overflow || age >= touchInterval else { return }
        let times = [now, file.status.st_mtim]
        // Fails on a read-only file system, where nothing is removed either.
        _ = futimens(file.descriptor.raw, times)
    }

    static func checked(_ key: String) throws(OriginError) -> ObjectKey {
        let parsed = try ObjectKey(key)
        guard parsed.segments.first != TemporaryFolder.name else {
            throw .brokenKey(key, reason: "'\(TemporaryFolder.name)' is for what is being written")
        }
        return parsed
    }
}
