// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Glibc
import Logging
import Origins
import Synchronization
import Volumes
import Workers

/// Everything below the data folder: `levels/NAME` has the made levels of configured volumes, `volumes/NAME` an upload.
final class DataFolders: Sendable {
    /// Names the state of the source and of the configuration that kept levels were made of.
    static let fingerprintMember = "pyramidion_fingerprint"

    private let root: String
    private let budget: DiskBudget
    let files: WorkerPool
    private let writers: WorkerPool
    let logger: Logger
    private let folderSet = Mutex<FolderSet?>(nil)
    /// Held by a lane that opens it.
    private let opening = Mutex(())

    init(root: String, diskLimit: Int, files: WorkerPool, writers: WorkerPool, logger: Logger) {
        self.root = root
        self.files = files
        self.writers = writers
        self.logger = logger
        budget = DiskBudget(limit: diskLimit)
    }

    /// Returns where the made levels of a volume are kept: what is there if it has this fingerprint, else nothing.
    ///
    /// `info` is that of the made levels alone, so that any viewer can read them with the service off.
    /// Where the folder cannot be written nothing is kept, and the log says so: a volume is served all the same.
    func levels(of name: String, info: VolumeInfo, fingerprint: String) async throws -> (any ChunkStore)? {
        do {
            return try await keptLevels(of: name, info, fingerprint)
        } catch OriginError.writeFailed(let place, let reason) {
            logger.error(
                "nothing is kept",
                metadata: ["volume": "\(name)", "folder": "\(place)", "reason": "\(reason)"]
            )
            return nil
        }
    }

    private func keptLevels(
        of name: String,
        _ info: VolumeInfo,
        _ fingerprint: String
    ) async throws -> KeptLevels {
        let store = try KeptStore(
            root: "\(root)/levels/\(name)",
            budget: budget,
            files: files,
            writers: writers
        )
        // Parts of a build begin at the same moment.
        try await store.alone {
            if try await fingerprintOf(store) != fingerprint {
                try await store.clear()
                var marked = info
                marked.others[Self.fingerprintMember] = .string(fingerprint)
                try await store.keep("info", marked.json())
            }
            // Another process may open it for another state of the source while this one goes on.
            try await store.bind(to: "info", limit: SourceOpening.infoByteLimit)
        }
        let kept = KeptLevels(store)
        await kept.countKept(info.scales.map(\.key))
        return kept
    }

    /// The uploads; opened when they are first asked for, so that a service that keeps nothing makes no folder.
    /// - Throws: `OriginError` when the data folder cannot be written.
    func uploads() async throws -> FolderSet {
        if let uploads = folderSet.withLock({ $0 }) { return uploads }
        return try await writers.run { [self] in
            try opening.withLock { _ in
                if let uploads = folderSet.withLock({ $0 }) { return uploads }
                let uploads = try FolderSet(root: "\(root)/volumes", files: writers)
                folderSet.withLock { $0 = uploads }
                return uploads
            }
        }
    }

    /// Why nothing could be kept; `nil`: it could. A folder that is missing is left missing.
    func fault() async -> String? {
        do {
            return try await files.run { [root] in FolderProbe.fault(root) }
        } catch {
            return "\(error)"
        }
    }

    var diskCounts: DiskBudget.Counts { budget.counts }

    /// Whether there may be uploads from an earlier run.
    var hasUploads: Bool { access("\(root)/volumes", F_OK) == 0 }

    private func fingerprintOf(_ store: KeptStore) async throws -> String? {
        guard let object = try await store.object("info", limit: SourceOpening.infoByteLimit),
            let info = try? VolumeInfo(json: object.bytes)
        else { return nil }
        return info.others[Self.fingerprintMember]?.text
    }
}
