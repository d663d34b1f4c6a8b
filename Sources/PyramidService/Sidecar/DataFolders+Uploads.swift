// SPDX-License-Identifier: Apache-2.0
import Configuration
import Logging
import Origins
import Volumes

/// An upload that nobody sees yet.
struct UploadDraft: Sendable {
    let folder: FolderDraft
    let volume: ServedVolume
    let plan: UploadPlan
}

/// The chunks of a draft: all of them, or the upload fails.
private struct DraftStore: ChunkStore {
    let folder: FolderDraft
    let origin: FolderOrigin

    var mustKeep: Bool { true }

    func object(_ key: String, limit: Int) async throws -> StoredObject? {
        try await origin.object(key, limit: limit)
    }

    func keep(_ objects: [KeptObject]) async -> [(any Error)?] {
        var failures: [(any Error)?] = []
        for object in objects {
            do {
                try await folder.write(object.key, object.bytes)
                failures.append(nil)
            } catch {
                failures.append(error)
            }
        }
        return failures
    }

    func contains(_ key: String) async throws -> Bool { false }

    func count(below prefix: String) -> Int { 0 }
}

extension DataFolders {
    /// Opens all uploads that are there; one that cannot be opened is told in the log, and left alone.
    func uploadedVolumes(besides configured: [VolumeSettings]) async throws -> [ServedVolume] {
        var volumes: [ServedVolume] = []
        let uploads = try await uploads()
        for name in try await uploads.list() {
            guard !configured.contains(where: { $0.name == name }) else {
                logger.warning("an upload has the name of a configured volume", metadata: ["name": "\(name)"])
                continue
            }
            do {
                // Gone since it was listed: another process removed it.
                guard let folder = try await uploads.open(name) else { continue }
                volumes.append(try await opened(name, folder))
            } catch {
                logger.error(
                    "an upload cannot be opened",
                    metadata: ["name": "\(name)", "reason": "\(ServiceError(error).detail)"]
                )
            }
        }
        return volumes
    }

    /// Begins an upload.
    /// - Throws: `OriginError`; ``ServiceError/noStorage(_:)`` when the disk says that the levels cannot fit.
    func draft(name: String, _ plan: UploadPlan, needing need: DiskNeed) async throws -> UploadDraft {
        let folder: FolderDraft
        do {
            folder = try await uploads().begin(needing: need)
        } catch OriginError.noRoom(_, let unit, let needed, let free) {
            throw ServiceError.noStorage(
                "The volume with all its mips takes at least \(needed) \(unit.rawValue) of the disk, and there is room "
                    + "for \(free); make room in the data folder, or send less."
            )
        }
        let origin = FolderOrigin(path: folder.path, files: files)
        let volume = ServedVolume(
            name: name,
            kind: .upload,
            info: plan.info,
            levels: try plan.draftLevels(),
            origin: origin,
            store: DraftStore(folder: folder, origin: origin),
            fingerprint: Fingerprint.of(plan.info.json(), folder.path)
        )
        return UploadDraft(folder: folder, volume: volume, plan: plan)
    }

    /// Shows a draft whose chunks are all written; returns when no crash can undo that.
    func publish(_ draft: UploadDraft, replacing: Bool) async throws -> ServedVolume {
        var info = draft.plan.info
        // Tells this version from any other of the same name, so that no cache takes one for the other.
        info.others[Self.fingerprintMember] = .string(
            Fingerprint.of(info.json(), "\(UInt64.random(in: 0 ... .max))")
        )
        let json = info.json()
        try await draft.folder.write("info", json)
        let folder = try await draft.folder.commit(name: draft.volume.name, replacing: replacing)
        // From what was written, not from the disk: nothing can fail any more that would leave it there unseen.
        return try served(draft.volume.name, folder, info: json)
    }

    /// Returns when nothing of a draft is left, so that whoever hears of its failure has the room again.
    func discard(_ draft: UploadDraft) async { await draft.folder.discard() }

    func remove(_ name: String) async throws { _ = try await uploads().remove(name) }

    private func opened(_ name: String, _ folder: PublishedFolder) async throws -> ServedVolume {
        let origin = FolderOrigin(path: folder.path, files: files)
        guard let object = try await origin.object("info", limit: SourceOpening.infoByteLimit) else {
            throw ServiceError.badGateway("The upload \(name) has no info.")
        }
        return try served(name, folder, info: object.bytes)
    }

    private func served(_ name: String, _ folder: PublishedFolder, info json: [UInt8]) throws -> ServedVolume
    {
        let origin = FolderOrigin(path: folder.path, files: files)
        var info = try VolumeInfo(json: json)
        // It goes into entity tags, so that a file that was damaged or written by others must not say just anything.
        let noted = info.others[Self.fingerprintMember]?.text
        let fingerprint = noted.flatMap { Fingerprint.isOne($0) ? $0 : nil } ?? Fingerprint.of(json)
        info.others[Self.fingerprintMember] = nil
        var levels: [ServedLevel] = []
        for (index, scale) in info.scales.enumerated() {
            levels.append(try ServedLevel(index, scale, info, .stored(scale)))
        }
        return ServedVolume(
            name: name,
            kind: .upload,
            info: info,
            levels: levels,
            origin: origin,
            store: nil,
            fingerprint: fingerprint,
            holding: folder
        )
    }
}
