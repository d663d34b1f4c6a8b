// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// How many files each folder of a store has: as counted once, and as they come and go since.
///
/// Whatever adds or removes a file does so within a call here, so that a count beside it is right all the same. Files that
/// other processes add or remove are not seen.
///
/// What touches the disk is done by one lane at a time, and holds up nobody who only asks for a count: a loop does.
final class FileTally: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    /// Held while files come and go, before `counts`.
    private let naming = Mutex(())

    /// How many files there are in the folder at this path.
    func count(_ folder: String) -> Int { counts.withLock { $0[folder] ?? 0 } }

    /// Counts the folder at this path anew.
    func recount(_ folder: String) {
        naming.withLock { _ in
            var count = 0
            FolderListing.each(in: folder) { _, _ in
                count += 1
                return true
            }
            counts.withLock { [count] in $0[folder] = count }
        }
    }

    /// Counts the file at `path` if `body`, which puts it there, says that it was not there before.
    func adding<Failure: Error>(_ path: String, _ body: () throws(Failure) -> Bool) throws(Failure) {
        try naming.withLock { _ throws(Failure) in
            guard try body() else { return }
            let folder = FolderListing.parent(of: path)
            counts.withLock { $0[folder, default: 0] += 1 }
        }
    }

    /// Takes the file at `path` off if `body` says that it removed it.
    func removing(_ path: String, _ body: () -> Bool) -> Bool {
        naming.withLock { _ in
            guard body() else { return false }
            let folder = FolderListing.parent(of: path)
            counts.withLock { counts in
                // A folder that was not counted yet stays so.
                if let count = counts[folder] { counts[folder] = max(0, count - 1) }
            }
            return true
        }
    }

    /// Forgets all counts of folders below `path`, with whom it is itself.
    func forget(below path: String) {
        counts.withLock { counts in
            counts = counts.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
        }
    }
}
