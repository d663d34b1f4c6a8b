// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Names and states of what is in folders. Everything here blocks.
enum FolderListing {
    /// Calls `visit` with the name and state of everything in the folder at `path`; links in it are not followed.
    ///
    /// What vanishes meanwhile is left out. `path` itself may be a link if `followingPath` says so. `visit` returns whether
    /// to go on.
    /// - Returns: Whether the folder could be opened; if not, the reason is in `errno`.
    @discardableResult
    static func each(in path: String, followingPath: Bool = false, _ visit: (String, stat) -> Bool) -> Bool {
        let flags = O_RDONLY | O_DIRECTORY | (followingPath ? 0 : O_NOFOLLOW)
        guard let folder = FileDescriptor.opening(path, flags) else {
            return false
        }
        // `fdopendir` takes a descriptor over, so it gets one of its own.
        let copy = fcntl(folder.raw, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return false }
        guard let stream = fdopendir(copy) else {
            _ = close(copy)
            return false
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            // An entry is only as long as its name; reading it as a whole `dirent` could leave the buffer.
            let place = UnsafeRawPointer(entry) + (MemoryLayout<dirent>.offset(of: \.d_name) ?? 19)
            let bytes = place.assumingMemoryBound(to: CChar.self)
            let name = String(cString: bytes)
            if name == "." || name == ".." { continue }
            var status = stat()
            guard fstatat(folder.raw, bytes, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            guard visit(name, status) else { break }
        }
        return true
    }

    /// Calls `visit` with every file below `root` but those in `root/skipped`, by its path below `root`.
    ///
    /// Folders deeper than keys can be are left out, so the walk is bounded by what the folders hold.
    static func files(below root: String, skipping skipped: String, _ visit: (String, stat) -> Void) {
        var folders: [(path: String, depth: Int)] = [("", 1)]
        while let (folder, depth) = folders.popLast() {
            each(in: folder.isEmpty ? root : "\(root)/\(folder)", followingPath: folder.isEmpty) {
                name,
                status in
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                if status.isFile {
                    visit(path, status)
                } else if status.isFolder, depth < ObjectKey.segmentLimit, path != skipped {
                    folders.append((path, depth + 1))
                }
                return true
            }
        }
    }

    /// Removes a file, or a folder and all that is in it; links are removed, not followed.
    ///
    /// What cannot be removed is left.
    /// - Returns: Whether nothing is left.
    @discardableResult
    static func remove(_ path: String) -> Bool {
        if unlink(path) == 0 || errno == ENOENT { return true }
        // First the files of every folder on the way down, then the folders themselves, the deepest first.
        var folders = [path]
        var next = 0
        while next < folders.count {
            let folder = folders[next]
            next += 1
            each(in: folder) { name, status in
                let path = "\(folder)/\(name)"
                if status.isFolder { folders.append(path) } else { _ = unlink(path) }
                return true
            }
        }
        for folder in folders.reversed() { _ = rmdir(folder) }
        return access(path, F_OK) != 0
    }

    /// Makes the folder at `path` and those above it that are missing; each new name is made durable, if wanted.
    /// - Returns: Whether it is there; if not, the reason is in `errno`.
    static func make(_ path: String, isDurable: Bool = true) -> Bool {
        var code: Int32 = mkdir(path, 0o755) == 0 ? 0 : errno
        if code == ENOENT {
            let above = parent(of: path)
            guard above != path, make(above, isDurable: isDurable) else { return false }
            code = mkdir(path, 0o755) == 0 ? 0 : errno
        }
        if code == 0 { return !isDurable || sync(parent(of: path)) }
        var status = stat()
        if code == EEXIST, stat(path, &status) == 0 {
            if status.isFolder { return true }
            code = ENOTDIR
        }
        errno = code
        return false
    }

    /// Makes the names in the folder at `path` durable; false on failure, with the reason in `errno`.
    static func sync(_ path: String) -> Bool {
        guard let folder = FileDescriptor.opening(path, O_RDONLY | O_DIRECTORY) else { return false }
        return retrying { fsync(folder.raw) } == 0
    }

    /// The folder that `path` lies in.
    static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
