// SPDX-License-Identifier: Apache-2.0
package import Workers

/// A volume in a folder: an object is the file `KEY`, or else `KEY.gz`, which is packed with gzip.
///
/// Keys and symbolic links that lead out of the folder are refused. An object costs one piece of work on a lane.
package final class FolderOrigin: Origin {
    private let root: FolderRoot
    private let files: WorkerPool

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
        let key = try ObjectKey(key)
        return try await files.blocking { [root] () throws(OriginError) in
            try root.object(key, limit: limit)
        }
    }

    /// Returns the bytes `range` of the file `KEY`; packed files have no ranges.
    /// - Throws: ``OriginError``; also when the folder itself is not there.
    package func range(_ key: String, _ range: Range<Int>) async throws(OriginError) -> StoredObject? {
        precondition(range.lowerBound >= 0, "no file has bytes before its first")
        let key = try ObjectKey(key)
        return try await files.blocking { [root] () throws(OriginError) in
            guard let file = try root.open(key) else { return nil }
            return StoredObject(
                bytes: try file.read(range),
                coding: .identity,
                version: file.status.version
            )
        }
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
