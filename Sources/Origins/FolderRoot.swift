// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. Nothing outside of the root is read, through ".." or through symbolic links. A link inside that stays inside is fine.
//    A key that begins with ".." has another root, so many folders above by the text of the path, never "/" itself.
// 2. Segment by segment with O_NOFOLLOW, relative to the folder before: where no link is met nothing can lead out, and
//    nothing can be swapped in between. Only where that stops at a link is the path resolved and compared.
//    (`openat2` with RESOLVE_BENEATH would do it in one call, but older container runtimes forbid it, so this path would
//    be needed all the same.)
// 3. A root that is not there is a failure, never an empty volume: a disk that is not mounted must not look like one.
import Glibc

/// The folder that a volume lies in, and the way into it. Everything here blocks.
struct FolderRoot: Sendable {
    let path: String

    /// Opens the file under `key`, with `suffix` behind its name, for reading.
    ///
    /// - Returns: The open file and its status; nil when it is not there.
    /// - Throws: ``OriginError/readFailed(place:reason:)``, ``OriginError/notAFile(place:)`` and, for a link that leads
    ///   out, ``OriginError/brokenKey(_:reason:)``.
    func open(_ key: ObjectKey, suffix: String = "") throws(OriginError) -> OpenFile? {
        guard let folder = try folder(of: key) else { return try stopped(key, suffix) }
        return try open(key, suffix: suffix, in: folder)
    }

    /// Opens the folder that `key` is in; nil where the way ends, with the reason in `errno`.
    /// - Throws: ``OriginError/readFailed(place:reason:)`` when the root is not there.
    func folder(of key: ObjectKey) throws(OriginError) -> FileDescriptor? {
        guard var folder = FileDescriptor.opening(path, O_RDONLY | O_DIRECTORY) else {
            throw .readFailed(place: path, reason: systemReason("open"))
        }
        for segment in key.segments.dropLast() {
            guard let next = folder.opening(segment, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return nil }
            folder = next
        }
        return folder
    }

    /// As ``open(_:suffix:)``, with the folder that ``folder(of:)`` has opened.
    func open(_ key: ObjectKey, suffix: String = "", in folder: borrowing FileDescriptor)
        throws(OriginError) -> OpenFile?
    {
        // O_NONBLOCK: opening a pipe without a writer would wait for one.
        let name = (key.segments.last ?? "") + suffix
        guard let file = folder.opening(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW) else {
            return try stopped(key, suffix)
        }
        return try checked(file, key, suffix)
    }

    /// Whether opening a file here waits for a disk of this machine at most: not for a network, nor for a program.
    ///
    /// A file system that is not known counts as remote.
    var isLocal: Bool { FileDescriptor.opening(path, O_RDONLY | O_DIRECTORY)?.isLocal ?? false }

    /// Where the file would be, for messages.
    func place(_ key: ObjectKey, suffix: String = "") -> String {
        path + "/" + key.segments.joined(separator: "/") + suffix
    }

    /// The folder that the segments of `key` begin in: this one, or one as many above as the key has parents, by the
    /// text of the path.
    /// - Throws: ``OriginError/brokenKey(_:reason:)`` where that is the file system's root, or the text does not say.
    func above(_ key: ObjectKey) throws(OriginError) -> FolderRoot {
        guard key.parents > 0 else { return self }
        let slash = UInt8(ascii: "/")
        var parts = path.utf8.split(separator: slash).filter { !$0.elementsEqual(".".utf8) }
        for _ in 0..<key.parents {
            guard let last = parts.popLast(), !last.elementsEqual("..".utf8) else {
                throw .brokenKey(key.path, reason: "it leads above \(path); give the source's full path")
            }
        }
        let above = parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
        guard path.utf8.first == slash else { return FolderRoot(path: above.isEmpty ? "." : above) }
        guard !above.isEmpty else {
            throw .brokenKey(key.path, reason: "from \(path) it leads to the root of the file system")
        }
        return FolderRoot(path: "/" + above)
    }

    /// Looks at why the way ended: ENOENT is plain, ENOTDIR and ELOOP may be a link.
    private func stopped(_ key: ObjectKey, _ suffix: String) throws(OriginError) -> OpenFile? {
        let code = errno
        guard code != ENOENT else { return nil }
        guard code == ENOTDIR || code == ELOOP else {
            // A socket cannot be opened at all.
            if code == ENXIO { throw .notAFile(place: place(key, suffix: suffix)) }
            throw .readFailed(place: place(key, suffix: suffix), reason: systemReason("open", code))
        }
        guard let root = resolved(path) else {
            throw .readFailed(place: path, reason: systemReason("realpath"))
        }
        guard let target = resolved(place(key, suffix: suffix)) else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .readFailed(place: place(key, suffix: suffix), reason: systemReason("realpath"))
        }
        guard root == "/" || target.utf8.starts(with: (root + "/").utf8) else {
            throw .brokenKey(
                key.path + suffix,
                reason:
                    "a symbolic link leads out of \(path): have the folder itself there, or name it in the key of the scale, as \"../other\""
            )
        }
        guard let file = FileDescriptor.opening(target, O_RDONLY | O_NONBLOCK | O_NOFOLLOW) else {
            if errno == ENOENT { return nil }
            throw .readFailed(place: place(key, suffix: suffix), reason: systemReason("open"))
        }
        return try checked(file, key, suffix)
    }

    private func checked(_ file: consuming FileDescriptor, _ key: ObjectKey, _ suffix: String)
        throws(OriginError) -> OpenFile
    {
        guard let status = file.status else {
            throw .readFailed(place: place(key, suffix: suffix), reason: systemReason("fstat"))
        }
        guard status.isFile, status.st_size >= 0 else { throw .notAFile(place: place(key, suffix: suffix)) }
        return OpenFile(descriptor: file, status: status, place: place(key, suffix: suffix))
    }

    private func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }
}

/// A file that is open for reading, and what it was when it was opened.
struct OpenFile: ~Copyable {
    let descriptor: FileDescriptor
    let status: stat
    let place: String

    /// Reads all of it.
    /// - Throws: ``OriginError/tooLarge(place:limit:)``, ``OriginError/readFailed(place:reason:)``.
    func read(limit: Int) throws(OriginError) -> [UInt8] {
        guard Int(status.st_size) <= limit else { throw .tooLarge(place: place, limit: limit) }
        return try exactly(Int(status.st_size), from: 0)
    }

    /// Reads exactly the bytes `range`.
    /// - Throws: ``OriginError/tooShort(place:wanted:bytes:)``, ``OriginError/readFailed(place:reason:)``.
    func read(_ range: Range<Int>) throws(OriginError) -> [UInt8] {
        let size = Int(status.st_size)
        guard range.upperBound <= size else { throw .tooShort(place: place, wanted: range, bytes: size) }
        return try exactly(range.count, from: range.lowerBound)
    }

    private func exactly(_ count: Int, from offset: Int) throws(OriginError) -> [UInt8] {
        guard let bytes = descriptor.read(count, from: offset) else {
            throw .readFailed(place: place, reason: systemReason("pread"))
        }
        guard bytes.count == count else {
            throw .readFailed(place: place, reason: "it became shorter while it was read")
        }
        return bytes
    }
}
