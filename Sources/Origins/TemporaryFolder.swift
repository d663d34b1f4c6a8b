// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. Several processes may use one data directory (`serve` beside `build`), so each has a folder of its own in `.tmp`,
//    and holds a lock on it as long as it lives. The kernel lets go of the lock when the process dies, however it does.
// 2. What is not locked belonged to a process that has died: whoever starts removes it, and holds the lock meanwhile.
import Glibc
import Synchronization

/// Where things are built that are not whole yet, in the same file system as the place they are renamed to.
final class TemporaryFolder: Sendable {
    /// The name of the folder of all such folders, below a root.
    static let name = ".tmp"

    /// This object's own folder.
    let path: String
    /// Keeps the lock.
    private let lock: FileDescriptor
    private let next = Atomic<Int>(0)

    /// Makes a folder below `root`, which is made if it is not there, and removes what dead processes left.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``.
    init(root: String) throws(OriginError) {
        let all = "\(root)/\(Self.name)"
        guard FolderListing.make(all) else { throw .writeFailed(place: all, reason: systemReason("mkdir")) }
        Self.sweep(all)
        // Somebody else's sweep may come between making and locking; then the next try has another name.
        for _ in 0..<16 {
            let path = "\(all)/\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
            guard mkdir(path, 0o755) == 0 else {
                throw .writeFailed(place: path, reason: systemReason("mkdir"))
            }
            if let lock = FolderLock.exclusive(path) {
                self.path = path
                self.lock = lock
                return
            }
        }
        throw .writeFailed(place: all, reason: "another process removes every new folder")
    }

    deinit { FolderListing.remove(path) }

    /// A path in it that nothing has yet.
    func newPath() -> String {
        "\(path)/\(next.wrappingAdd(1, ordering: .relaxed).newValue)"
    }

    private static func sweep(_ all: String) {
        FolderListing.each(in: all) { name, status in
            let path = "\(all)/\(name)"
            if !status.isFolder {
                _ = unlink(path)
            } else if let lock = FolderLock.exclusive(path) {
                FolderListing.remove(path)
                _ = consume lock
            }
            return true
        }
    }
}

/// A folder's lock for one, or beside others, for as long as this is there.
final class HeldLock: Sendable {
    private let folder: FileDescriptor

    /// Nil when somebody else has it, or the folder is gone.
    init?(_ path: String, isShared: Bool = false) {
        guard let folder = isShared ? FolderLock.shared(path) : FolderLock.exclusive(path) else { return nil }
        self.folder = folder
    }
}

/// Advisory locks on folders, which end with the descriptor or the process. C function: `flock`.
enum FolderLock {
    /// Locks a folder for one; nil when anybody holds it, or it is gone.
    static func exclusive(_ path: String) -> FileDescriptor? { locked(path, LOCK_EX) }

    /// Locks a folder beside others who do the same; nil when somebody holds it alone, or it is gone.
    static func shared(_ path: String) -> FileDescriptor? { locked(path, LOCK_SH) }

    private static func locked(_ path: String, _ kind: Int32) -> FileDescriptor? {
        guard let folder = FileDescriptor.opening(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
            retrying({ flock(folder.raw, kind | LOCK_NB) }) == 0,
            // It may have been removed between the two.
            let status = folder.status, status.st_nlink > 0
        else { return nil }
        return folder
    }
}
