// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
package import Workers

/// A volume in a folder: an object is the file `KEY`, or else `KEY.gz`, which is packed with gzip.
///
/// Symbolic links that lead out of the folder are refused. A key that begins with ".." is read below the folder that this
/// leads to, and links must not lead out of that one. An object costs one piece of work on a lane.
package final class FolderOrigin: Origin {
    private let root: FolderRoot
    private let files: WorkerPool
    /// Whether the folder's file system tells what it has in memory; unknown before the first object.
    private let knowsMemory = Atomic<Knowledge>(.unknown)

    private enum Knowledge: UInt8, AtomicRepresentable { case unknown, yes, no }

    /// Makes an origin; that the folder is there is seen with the first object.
    /// - Parameters:
    ///   - path: The folder, which may be reached through links.
    ///   - files: Where reading may block.
    package init(path: String, files: WorkerPool) {
        root = FolderRoot(path: path)
        self.files = files
    }

    /// The folder's path.
    package var name: String { root.path }

    /// Returns the file `KEY` or `KEY.gz`; its version is size, time and inode.
    /// - Throws: ``OriginError``; also when the folder itself is not there.
    package func object(_ key: String, limit: Int) async throws(OriginError) -> StoredObject? {
        let key = try ObjectKey(key, mayClimb: true)
        let root = try root.above(key)
        return try await files.blocking { () throws(OriginError) in
            try root.object(key, limit: limit)
        }
    }

    /// Sees whether a key is one, and stays below the file system's root.
    /// - Throws: ``OriginError/brokenKey(_:reason:)``.
    package func check(_ key: String) throws(OriginError) {
        _ = try root.above(ObjectKey(key, mayClimb: true))
    }

    /// Returns the bytes `range` of the file `KEY`; packed files have no ranges.
    /// - Throws: ``OriginError``; also when the folder itself is not there.
    package func range(_ key: String, _ range: Range<Int>) async throws(OriginError) -> StoredObject? {
        precondition(range.lowerBound >= 0, "no file has bytes before its first")
        let key = try ObjectKey(key, mayClimb: true)
        let root = try root.above(key)
        return try await files.blocking { () throws(OriginError) in
            guard let file = try root.open(key) else { return nil }
            return StoredObject(
                bytes: try file.read(range),
                coding: .identity,
                version: file.status.version
            )
        }
    }

    /// Whether the folder lies on a disk of this machine, as far as is known.
    package var hasReadyObjects: Bool { knowsMemory.load(ordering: .relaxed) != .no }

    /// Reads the file `KEY` or `KEY.gz` if the system has all of it in memory.
    package func readyObject(
        _ key: String,
        into memory: UnsafeMutableRawBufferPointer,
        by way: inout ReadyWay
    ) -> ReadyObject {
        guard hasReadyObjects else { return .notReady }
        if knowsMemory.load(ordering: .relaxed) == .unknown {
            let isLocal = root.isLocal
            knowsMemory.store(isLocal ? .yes : .no, ordering: .relaxed)
            guard isLocal else { return .notReady }
        }
        do throws(OriginError) {
            let key = try ObjectKey(key, mayClimb: true)
            if let file = try open(key, "", &way) { return ready(file, .identity, memory) }
            guard let file = try open(key, ".gz", &way) else { return .absent }
            return ready(file, .gzip, memory)
        } catch {
            return .notReady
        }
    }

    private func open(_ key: ObjectKey, _ suffix: String, _ way: inout ReadyWay) throws(OriginError)
        -> OpenFile?
    {
        guard key.parents == 0 else { return try root.above(key).open(key, suffix: suffix) }
        if way.folder == nil || !key.segments.dropLast().elementsEqual(way.segments) {
            way.folder = nil
            guard let folder = try root.folder(of: key) else { return try root.open(key, suffix: suffix) }
            way.folder = consume folder
            way.segments = Array(key.segments.dropLast())
        }
        switch way.folder {
        case .some(let folder): return try root.open(key, suffix: suffix, in: folder)
        case .none: return try root.open(key, suffix: suffix)
        }
    }

    private func ready(
        _ file: borrowing OpenFile,
        _ coding: StoredObject.Coding,
        _ memory: UnsafeMutableRawBufferPointer
    ) -> ReadyObject {
        let size = Int(file.status.st_size)
        guard size > 0, size <= memory.count else { return .notReady }
        guard file.descriptor.readNow(UnsafeMutableRawBufferPointer(rebasing: memory[..<size])) else {
            // A file system that cannot say would refuse every time.
            if errno == EOPNOTSUPP { knowsMemory.store(.no, ordering: .relaxed) }
            return .notReady
        }
        return .read(byteCount: size, coding: coding)
    }
}

extension FolderRoot {
    /// Reads the file `KEY`, or else `KEY.gz`; nil when neither is there. `opened` sees the file before it is read.
    func object(_ key: ObjectKey, limit: Int, opened: (borrowing OpenFile) -> Void = { _ in })
        throws(OriginError) -> StoredObject?
    {
        if let file = try open(key) {
            opened(file)
            return StoredObject(
                bytes: try file.read(limit: limit),
                coding: .identity,
                version: file.status.version
            )
        }
        guard let file = try open(key, suffix: ".gz") else { return nil }
        opened(file)
        return StoredObject(bytes: try file.read(limit: limit), coding: .gzip, version: file.status.version)
    }
}

extension WorkerPool {
    /// Runs `work` on a lane, and turns the pool's own refusals into ``OriginError``.
    func blocking<Value: Sendable>(
        _ work: @escaping @Sendable () throws(OriginError) -> Value
    ) async throws(OriginError) -> Value {
        let result: Result<Value, OriginError>
        do {
            result = try await run {
                do throws(OriginError) { return .success(try work()) } catch { return .failure(error) }
            }
        } catch let error as WorkerError {
            switch error {
            case .queueFull(let limit): throw .tooManyWaiting(limit: limit)
            case .stopped: throw .stopped
            }
        } catch {
            // The pool throws one thing more, `CancellationError`.
            throw .cancelled
        }
        return try result.get()
    }
}
