// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Logging
import Origins
import Volumes
import Workers

/// Everything below the data folder: `levels/NAME` has the made levels of configured volumes.
final class DataFolders: Sendable {
    /// Names the state of the source and of the configuration that kept levels were made of.
    private static let fingerprintMember = "pyramidion_fingerprint"

    private let root: String
    private let budget: DiskBudget
    private let files: WorkerPool
    private let writers: WorkerPool
    private let logger: Logger

    init(root: String, diskLimit: Int, files: WorkerPool, writers: WorkerPool, logger: Logger) {
        self.root = root
        self.files = files
        self.writers = writers
        self.logger = logger
        budget = DiskBudget(limit: diskLimit)
    }

    /// Returns where the made levels of a volume are kept: what is there if it has this fingerprint, else nothing.
    ///
    /// - Parameter info: Of the made levels alone, so that any viewer can read them with the service off.
    /// - Throws: `OriginError` when the folder cannot be written.
    func levels(of name: String, info: VolumeInfo, fingerprint: String) async throws -> any ChunkStore {
        let store = try KeptStore(root: "\(root)/levels/\(name)", budget: budget, files: files, writers: writers)
        if try await fingerprintOf(store) != fingerprint {
            try await store.clear()
            var info = info
            info.others[Self.fingerprintMember] = .string(fingerprint)
            try await store.keep("info", info.json())
        }
        let kept = KeptLevels(store)
        await kept.countKept(info.scales.map(\.key))
        return kept
    }

    private func fingerprintOf(_ store: KeptStore) async throws -> String? {
        guard let object = try await store.object("info", limit: SourceOpening.infoByteLimit),
            let info = try? VolumeInfo(json: object.bytes)
        else { return nil }
        return info.others[Self.fingerprintMember]?.text
    }
}
