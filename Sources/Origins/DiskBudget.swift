// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. No record is kept of each file: a million kept chunks would be a hundred megabytes of records. The file system has
//    them: when a file was last read or written is its time of access or change, and what is used is one number.
// 2. When the number passes the limit, a sweep walks all folders, counts anew, and removes the oldest-used files until a
//    tenth of the limit is free. So a sweep is paid for by a tenth of all that is kept having been written since.
// 3. A sweep holds at most `candidateLimit` paths twice over, about 100 bytes each, and as many folder names as there are
//    folders; if the oldest of those are not enough it walks again.
// 4. Other processes may write to the same folders: their files count from the next sweep on.
import Dispatch
import Glibc
import Synchronization

/// How much disk the kept objects of all volumes may take together; what was used longest ago goes first.
///
/// `info` files never go, nor does the file that was written last. A file counts as whole blocks of 4096 bytes. The
/// limit is passed for as long as a sweep takes: files are written first, and it runs beside them.
package final class DiskBudget: Sendable {
    /// How many bytes may be used; 0: no limit, and nothing is counted.
    package let limit: Int
    /// Not a shared pool: a walk through a million files must not stand in the way of those who read one.
    private let queue = DispatchQueue(label: "pyramidion.disk-budget")
    private let candidateLimit: Int
    private let state = Mutex(State())

    /// What is used and what was removed, for metrics.
    package struct Counts: Hashable, Sendable {
        /// Bytes in use, as far as is known; 0 before the first count ends, and when there is no limit.
        package var used = 0
        /// How many files were removed, and how many bytes they had.
        package var evictedFiles = 0
        /// The bytes of the files that were removed.
        package var evictedBytes = 0
        /// How often all folders were walked through.
        package var sweeps = 0
    }

    private struct State {
        /// The folders whose files count, each with the count of what its store has.
        var roots: [(path: String, tally: FileTally)] = []
        var counts = Counts()
        var isSweeping = false
        var mustSweepAgain = false
        /// What was written while a sweep runs; it may have counted it or not, so it is counted once more.
        var writtenMeanwhile = 0
        var lastWritten: String?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Makes a budget; stores join it by themselves.
    package convenience init(limit: Int) { self.init(limit: limit, candidateLimit: 1 << 15) }

    init(limit: Int, candidateLimit: Int) {
        precondition(limit >= 0 && candidateLimit > 0, "a budget cannot be negative")
        self.limit = limit
        self.candidateLimit = candidateLimit
    }

    /// What is used and what was removed so far.
    package var counts: Counts { state.withLock { $0.counts } }

    /// Returns when no sweep is under way or due.
    package func settled() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.isSweeping { state.waiting.append(continuation) }
                return !state.isSweeping
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Counts the files below `root` from now on, once however often it joins: an opening that was given up begins anew.
    /// `tally` is told of each that is removed.
    func join(_ root: String, _ tally: FileTally) {
        guard limit > 0 else { return }
        state.withLock { state in
            state.roots.removeAll { $0.path == root }
            state.roots.append((root, tally))
        }
        sweepSoon()
    }

    /// Counts a file that was just written, in place of one that had `replaced` bytes.
    func wrote(_ path: String, bytes: Int, replaced: Int?) {
        guard limit > 0 else { return }
        let change = Self.blocks(bytes) - (replaced.map(Self.blocks) ?? 0)
        let isOver = state.withLock { state in
            state.counts.used = state.counts.used.addingClamped(change)
            state.writtenMeanwhile = state.writtenMeanwhile.addingClamped(change)
            state.lastWritten = path
            return state.counts.used > limit
        }
        if isOver { sweepSoon() }
    }

    /// Counts all anew, after much was removed.
    func sweepSoon() {
        guard limit > 0 else { return }
        let mustStart = state.withLock { state in
            if state.isSweeping { state.mustSweepAgain = true }
            defer { state.isSweeping = true }
            return !state.isSweeping
        }
        if mustStart { queue.async { self.sweepUntilSettled() } }
    }

    /// The bytes that a file takes from the disk, nearly.
    static func blocks(_ bytes: Int) -> Int { max(0, min(bytes, .max - 4095) + 4095) / 4096 * 4096 }

    // MARK: On the queue

    private func sweepUntilSettled() {
        while true {
            let mustGoOn = sweep()
            let (isOver, waiting) = state.withLock { state in
                if mustGoOn || state.mustSweepAgain {
                    state.mustSweepAgain = false
                    return (false, [CheckedContinuation<Void, Never>]())
                }
                state.isSweeping = false
                defer { state.waiting = [] }
                return (true, state.waiting)
            }
            guard isOver else { continue }
            for continuation in waiting { continuation.resume() }
            return
        }
    }

    /// - Returns: Whether another sweep would free what this one could not.
    private func sweep() -> Bool {
        let roots = state.withLock { state in
            state.writtenMeanwhile = 0
            state.counts.sweeps += 1
            return state.roots
        }
        var total = 0
        var oldest = OldestFiles(limit: candidateLimit)
        for (index, (root, _)) in roots.enumerated() {
            FolderListing.files(below: root, skipping: TemporaryFolder.name) { path, status in
                let bytes = Self.blocks(Int(status.st_size))
                total = total.addingClamped(bytes)
                guard !Self.isInfo(path) else { return }
                let place = "\(root)/\(path)"
                oldest.insert(.init(path: place, root: index, bytes: bytes, lastUse: status.lastUse))
            }
        }
        var freed = (files: 0, bytes: 0)
        if total > limit {
            let lastWritten = state.withLock { $0.lastWritten }
            for file in oldest.sorted() where total - freed.bytes > limit - limit / 10 {
                guard file.path != lastWritten, remove(file, roots[file.root].tally) else { continue }
                freed.files += 1
                freed.bytes = freed.bytes.addingClamped(file.bytes)
            }
        }
        let left = total - freed.bytes
        let mayBeOver = state.withLock { state in
            let writtenMeanwhile = max(0, state.writtenMeanwhile)
            state.counts.used = left.addingClamped(writtenMeanwhile)
            state.counts.evictedFiles += freed.files
            state.counts.evictedBytes = state.counts.evictedBytes.addingClamped(freed.bytes)
            return writtenMeanwhile > 0 && state.counts.used > limit
        }
        return mayBeOver || left > limit && oldest.isTruncated && freed.files > 0
    }

    private func remove(_ file: OldestFiles.File, _ tally: FileTally) -> Bool {
        var status = stat()
        // Used or written again since it was seen: then it is no longer one of the oldest.
        guard lstat(file.path, &status) == 0, status.isFile, status.lastUse == file.lastUse else {
            return false
        }
        return tally.removing(file.path) { unlink(file.path) == 0 }
    }

    private static func isInfo(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return name == "info" || name == "info.gz"
    }
}

/// The files that were used longest ago, of all that were seen.
struct OldestFiles {
    struct File {
        let path: String
        /// Which of the folders that count it is below.
        let root: Int
        let bytes: Int
        let lastUse: Int64
    }

    private let limit: Int
    private var files: [File] = []
    private var newest = Int64.max
    /// Whether files were left out, all of which were used later than those that are here.
    private(set) var isTruncated = false

    init(limit: Int) { self.limit = limit }

    mutating func insert(_ file: File) {
        guard file.lastUse < newest else {
            isTruncated = true
            return
        }
        files.append(file)
        if files.count >= 2 * limit { truncate() }
    }

    /// The oldest first.
    consuming func sorted() -> [File] {
        files.sorted { $0.lastUse < $1.lastUse }
    }

    private mutating func truncate() {
        files.sort { $0.lastUse < $1.lastUse }
        files.removeLast(files.count - limit)
        newest = files.last?.lastUse ?? .max
        isTruncated = true
    }
}

extension stat {
    /// When it was last read, as ``KeptStore`` notes it, or written: nanoseconds since 1970.
    var lastUse: Int64 { max(st_atim.inNanoseconds, st_mtim.inNanoseconds) }
}
