// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. Several processes may use one store, and one of them may find that what is kept is out of date: it moves all away and
//    writes another `info`. Whoever opened the store before must neither read what comes then nor add to it.
// 2. `info` goes first and comes first. So an object that was opened before `info` was found unchanged is of its state.
// 3. Another file with the same content is the same `info`: some file systems give a file another inode now and then.
// 4. Objects get their names under a shared lock, and the store is begun anew under the same lock for one.
import Glibc
import Synchronization

/// Which file a path leads to, and in which state: another file in its place has another of these.
struct FileIdentity: Equatable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int
    private let changed: Int64

    /// Nil when nothing is there, with the reason in `errno`.
    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
        changed = status.st_mtim.inNanoseconds
    }
}

/// What a store's objects belong to.
enum StoreBinding: Sendable {
    /// Whatever is there.
    case none
    /// The object under the key, for as long as it is this one.
    case object(ObjectKey, FileIdentity, content: [UInt8])
    /// An object that was replaced.
    case lost
}

extension KeptStore {
    /// Binds the store to the object under `key` as it is now, which says what all others were made of.
    ///
    /// Once another is in its place, nothing is found and nothing is kept any more. To be called while this process has
    /// the store alone.
    /// - Parameters:
    ///   - key: As for an ``Origin``.
    ///   - limit: How many bytes it has at most; they are held.
    /// - Throws: ``OriginError``; ``OriginError/writeFailed(place:reason:)`` when it is not there.
    package func bind(to key: String, limit: Int) async throws(OriginError) {
        let key = try Self.checked(key)
        try await files.blocking { [self] () throws(OriginError) in
            let path = root.place(key)
            guard let identity = FileIdentity(path), let object = try root.object(key, limit: limit) else {
                throw .writeFailed(place: path, reason: systemReason("open"))
            }
            binding.withLock { $0 = .object(key, identity, content: object.bytes) }
        }
    }

    /// Whether what is there is still what the store was bound to. One system call, as long as nothing has happened.
    var isBound: Bool {
        switch binding.withLock({ $0 }) {
        case .none: return true
        case .lost: return false
        case .object(let key, let known, let content):
            guard let identity = FileIdentity(root.place(key)) else {
                if errno == ENOENT { binding.withLock { $0 = .lost } }
                return false
            }
            if identity == known { return true }
            let isSame = (try? root.object(key, limit: content.count))?.bytes == content
            binding.withLock { $0 = isSame ? .object(key, identity, content: content) : .lost }
            return isSame
        }
    }

    /// Gives objects their names while nobody can begin the store anew.
    /// - Throws: What `body` throws, ``OriginError/replaced(place:)`` when somebody has begun it anew, and
    ///   ``OriginError/writeFailed(place:reason:)`` when others have it for half a minute.
    func whileBound(_ body: () throws(OriginError) -> Void) throws(OriginError) {
        if case .none = binding.withLock({ $0 }) { return try body() }
        for _ in 0..<Self.lockTries {
            let lock = HeldLock(lockPath, isShared: true)
            guard isBound else { throw .replaced(place: root.path) }
            guard let lock else {
                usleep(Self.lockPauseMicroseconds)
                continue
            }
            defer { withExtendedLifetime(lock) {} }
            return try body()
        }
        throw .writeFailed(place: root.path, reason: Self.lockedForLong)
    }
}
