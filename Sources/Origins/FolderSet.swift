// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. `ROOT/NAME` is a symbolic link to `ROOT/.gen/NAME@NUMBER`, the folder of one version. One rename of the link shows a
//    new volume, or a new version in place of the old one: nobody ever sees a part, or a mixture.
// 2. A version is built under a temporary name. Its data and its folders are synced before it gets its own name, and that
//    name before the link: whatever a link leads to is complete on disk.
// 3. Whoever reads a version holds a shared lock on its folder. What no link leads to and nobody has locked is removed:
//    by the last reader who lets go of it, or at the next start.
import CCurl
import Glibc
import Synchronization
package import Workers

/// Folders that appear, are replaced and go as a whole, whatever crashes: the uploaded volumes.
package final class FolderSet: Sendable {
    private static let generations = ".gen"
    /// Entries that are read of the set's folder: more than any machine serves.
    private static let maxFolders = 1 << 20

    package let root: String
    private let temporary: TemporaryFolder
    private let writers: WorkerPool
    private let next = Atomic<Int>(0)

    /// Opens the set, makes its folder if need be, and removes what crashes left behind. Blocks for that.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``.
    package init(root: String, writers: WorkerPool) throws(OriginError) {
        self.root = root
        self.writers = writers
        let generations = "\(root)/\(Self.generations)"
        guard FolderListing.make(generations) else {
            throw .writeFailed(place: generations, reason: systemReason("mkdir"))
        }
        temporary = try TemporaryFolder(root: root)
        sweep()
    }

    /// The names there are, with the folders they lead to now, held until they are let go of; blocks.
    package func list() -> [(name: String, folder: PublishedFolder)] {
        var names: [String] = []
        FolderListing.each(in: root) { name, status in
            if status.isLink { names.append(name) }
            return names.count < Self.maxFolders
        }
        return names.sorted().compactMap { name in held(name).map { (name, $0) } }
    }

    /// Begins a folder that nobody sees.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``.
    package func begin() async throws(OriginError) -> DraftFolder {
        let path = temporary.newPath()
        try await writers.blocking { () throws(OriginError) in
            guard mkdir(path, 0o755) == 0 else {
                throw .writeFailed(place: path, reason: systemReason("mkdir"))
            }
        }
        return DraftFolder(path: path, set: self, writers: writers)
    }

    /// Removes a name; returns when no crash can bring it back. Its folder goes when its last reader lets go of it.
    /// - Throws: ``OriginError/writeFailed(place:reason:)``. That there is no such name is no error.
    package func remove(_ name: String) async throws(OriginError) {
        try await writers.blocking { [root] () throws(OriginError) in
            let link = "\(root)/\(name)"
            guard unlink(link) == 0 || errno == ENOENT else {
                throw .writeFailed(place: link, reason: systemReason("unlink"))
            }
            guard FolderListing.sync(root) else {
                throw .writeFailed(place: root, reason: systemReason("fsync"))
            }
        }
    }

    /// Makes what is in `path` durable and shows it as `name`. Blocks.
    fileprivate func publish(
        _ path: String,
        as name: String,
        replacing: Bool
    ) throws(OriginError) -> PublishedFolder {
        guard VolumeFolderName.isValid(name) else { throw .brokenName(name) }
        // One call for all files and folders: a volume has more of them than syncs one by one would bear.
        guard let folder = FileDescriptor.opening(path, O_RDONLY | O_DIRECTORY),
            retrying({ syncfs(folder.raw) }) == 0
        else { throw .writeFailed(place: path, reason: systemReason("syncfs")) }
        let number = String(UInt64.random(in: 0 ... .max), radix: 16)
        let generation = "\(Self.generations)/\(name)@\(number)"
        try DurableFile.move(path, to: "\(root)/\(generation)")
        do throws(OriginError) {
            guard let lock = FolderLock.shared("\(root)/\(generation)") else {
                throw .readFailed(place: generation, reason: systemReason("flock"))
            }
            try show(generation, as: name, replacing: replacing)
            return PublishedFolder(path: "\(root)/\(generation)", lock: lock, writers: writers)
        } catch {
            FolderListing.remove("\(root)/\(generation)")
            throw error
        }
    }

    private func show(_ generation: String, as name: String, replacing: Bool) throws(OriginError) {
        let link = "\(root)/\(name)"
        if replacing {
            let other = temporary.newPath()
            guard symlink(generation, other) == 0, rename(other, link) == 0 else {
                throw .writeFailed(place: link, reason: systemReason("rename"))
            }
        } else if symlink(generation, link) != 0 {
            throw errno == EEXIST
                ? .nameTaken(name) : .writeFailed(place: link, reason: systemReason("symlink"))
        }
        guard FolderListing.sync(root) else {
            throw .writeFailed(place: root, reason: systemReason("fsync"))
        }
    }

    private func held(_ name: String) -> PublishedFolder? {
        guard let target = target(of: name), let lock = FolderLock.shared("\(root)/\(target)") else {
            return nil
        }
        return PublishedFolder(path: "\(root)/\(target)", lock: lock, writers: writers)
    }

    /// Where the link of a name leads, if that is a version of this set.
    private func target(of name: String) -> String? {
        guard VolumeFolderName.isValid(name) else { return nil }
        let length = 4096
        let target = withUnsafeTemporaryAllocation(of: CChar.self, capacity: length) { buffer -> String? in
            guard let base = buffer.baseAddress else { return nil }
            let count = readlink("\(root)/\(name)", base, length)
            guard count > 0, count < length else { return nil }
            return String(
                validating: buffer[..<count].map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
        }
        guard let target, target.hasPrefix("\(Self.generations)/\(name)@"),
            !target.dropFirst(Self.generations.count + 1).contains("/")
        else { return nil }
        return target
    }

    /// Removes every version that no link leads to and nobody reads.
    private func sweep() {
        var wanted: Set<String> = []
        FolderListing.each(in: root) { name, status in
            if status.isLink, let target = target(of: name) { wanted.insert(target) }
            return true
        }
        FolderListing.each(in: "\(root)/\(Self.generations)") { name, _ in
            let generation = "\(Self.generations)/\(name)"
            guard !wanted.contains(generation), let lock = FolderLock.exclusive("\(root)/\(generation)")
            else {
                return true
            }
            FolderListing.remove("\(root)/\(generation)")
            _ = consume lock
            return true
        }
    }
}

/// A folder that is being built; nobody sees it before ``commit(as:replacing:)``.
package final class DraftFolder: Sendable {
    package let path: String
    private let set: FolderSet
    private let writers: WorkerPool

    fileprivate init(path: String, set: FolderSet, writers: WorkerPool) {
        self.path = path
        self.set = set
        self.writers = writers
    }

    /// Writes a file; it is durable only after ``commit(as:replacing:)``.
    /// - Throws: ``OriginError``.
    package func write(_ key: String, _ bytes: [UInt8]) async throws(OriginError) {
        let key = try ObjectKey(key)
        try await writers.blocking { [path] () throws(OriginError) in
            let file = "\(path)/\(key.path)"
            do throws(OriginError) {
                try DurableFile.create(file, bytes)
            } catch {
                guard access(FolderListing.parent(of: file), F_OK) != 0 else { throw error }
                let folder = FolderListing.parent(of: file)
                guard FolderListing.make(folder) else {
                    throw .writeFailed(place: folder, reason: systemReason("mkdir"))
                }
                try DurableFile.create(file, bytes)
            }
        }
    }

    /// Makes everything durable and shows it under `name`; returns when no crash can undo that.
    ///
    /// With `replacing` a folder of this name may be there, which it takes the place of.
    /// - Throws: ``OriginError/nameTaken(_:)``, ``OriginError/writeFailed(place:reason:)``; then nothing of it is seen.
    package func commit(as name: String, replacing: Bool) async throws(OriginError) -> PublishedFolder {
        try await writers.blocking { [path, set] () throws(OriginError) in
            try set.publish(path, as: name, replacing: replacing)
        }
    }

    /// Removes what was written.
    package func discard() async {
        _ = try? await writers.blocking { [path] () throws(OriginError) in FolderListing.remove(path) }
    }
}

/// One version of a folder, which stays as it is for as long as somebody holds this.
package final class PublishedFolder: Sendable {
    package let path: String
    private let lock: FileDescriptor
    private let writers: WorkerPool
    private let isSuperseded = Atomic<Bool>(false)

    fileprivate init(path: String, lock: consuming FileDescriptor, writers: WorkerPool) {
        self.path = path
        self.lock = lock
        self.writers = writers
    }

    /// Has the folder removed when the last who holds it lets go: another version, or none, has taken its place.
    package func supersede() { isSuperseded.store(true, ordering: .relaxed) }

    deinit {
        guard isSuperseded.load(ordering: .relaxed) else { return }
        // Not here: whoever lets go last may be on an event loop. A crash before it leaves it to the next start.
        Task.detached { [path, writers] in
            _ = try? await writers.blocking { () throws(OriginError) in FolderListing.remove(path) }
        }
    }
}

/// Names that may stand in a path: `[a-z0-9][a-z0-9._-]{0,127}`.
enum VolumeFolderName {
    static func isValid(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        return isPlain && (1...128).contains(name.utf8.count) && !".-_".contains(name.first ?? ".")
    }
}
