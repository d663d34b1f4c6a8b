// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import HTTP1
import HTTPServer
import HTTPTypes
import Logging
import Origins
import VolumeNames
import Volumes
import Voxels

/// Serves `PUT` and `DELETE` of `/v1/volumes/{name}`.
struct UploadHandler {
    private let context: ServiceContext
    private let transaction: Transaction
    private let name: String

    init(_ context: ServiceContext, _ transaction: Transaction, _ name: String) {
        self.context = context
        self.transaction = transaction
        self.name = name
    }

    private var head: RequestHead { transaction.exchange.head }
    private var sidecar: Sidecar { context.sidecar }

    // MARK: PUT

    /// Answers 201 when every chunk of every level is on disk, or throws; nothing of a failed upload remains.
    func handle() async throws {
        let folders = try writableFolders()
        guard VolumeName.isValid(name) else {
            throw ServiceError.parameter(
                "name",
                "it cannot be \(shortened(name)); allowed: \(VolumeName.allowed)."
            )
        }
        // RFC 9110, 14.5: else a part would be stored in place of the whole.
        guard !head.fields.contains(.contentRange) else {
            throw ServiceError.field(
                "Content-Range",
                "a volume is sent as a whole; leave the field out and send all of it."
            )
        }
        let query = try UploadQuery(
            head.target.query,
            voxelLimit: context.configuration.limits.voxels
        )
        let request = try PyramidRequest(
            upload: query.pyramid,
            fields: head.fields,
            framing: head.framing,
            limits: context.configuration.limits
        )
        let length: Int? = if case .length(let count) = head.framing { count } else { nil }
        let claim = try sidecar.catalog.claim(name, wanted: EntityTags(head.fields, .ifMatch))
        defer { sidecar.catalog.unclaim(claim) }
        switch request.kind {
        case .raw:
            let spec = try request.rawSpec(byteCount: length)
            let plan = try UploadPlan(query, spec, mipLimit: context.configuration.limits.mips)
            let body = try RequestBody(transaction, request.contentCoding, context)
            try await receive(plan, spec, isBigEndian: false, body, body.source, claim, folders)
        case .npy:
            let body = try RequestBody(transaction, request.contentCoding, context)
            let (header, rest) = try await request.npyHeader(body.source)
            let spec = try request.npySpec(header, byteCount: length)
            let plan = try UploadPlan(query, spec, mipLimit: context.configuration.limits.mips)
            try await receive(plan, spec, isBigEndian: header.isBigEndian, body, rest, claim, folders)
        }
    }

    private func receive(
        _ plan: UploadPlan,
        _ spec: PyramidSpec,
        isBigEndian: Bool,
        _ body: RequestBody,
        _ source: any ByteSource,
        _ claim: UploadClaim,
        _ folders: DataFolders
    ) async throws {
        let cutting = plan.cutting(spec.order)
        let log = UploadLog(context.logger, volume: name, id: transaction.requestID)
        let draft = try await folders.draft(name: name, plan, needing: plan.diskNeed(cutting))
        do {
            let run = UploadRun(
                supply: sidecar.supply,
                volume: draft.volume,
                cutting: cutting,
                isBigEndian: isBigEndian,
                progress: claim.progress
            )
            claim.progress.begin(
                expectedBytes: spec.shape.byteCount(spec.type),
                levelCount: draft.volume.levels.count
            )
            let price = UploadRun.price(run.cutting, sidecar.supply, draft.volume)
            try await sidecar.boxes.enter(price: price, for: .upload)
            defer { sidecar.boxes.leave(price: price) }
            log.begins(claim.progress.current)
            let began = ContinuousClock.now
            let watched = WatchedSource(source, claim.progress, log)
            if cutting.spooledByteCount > 0 {
                let spool = try await draft.folder.spool()
                try await run.run(LayeredChannels(watched, cutting, spool, writers: sidecar.writers))
            } else {
                try await run.run(watched)
            }
            transaction.timed("write", began.duration(to: .now))
            if let inflating = body.inflating {
                context.metrics.inflated(packed: inflating.packedBytes, plain: inflating.plainBytes)
            }
            try Task.checkCancellation()
            // From here on it is done whether the client waits or not: what is on disk must be what is shown.
            let catalog = sidecar.catalog
            let volume = try await Task.detached {
                let volume = try await folders.publish(draft, replacing: claim.replaces)
                catalog.publish(volume, claim)
                return volume
            }.value
            context.metrics.reduced(spec)
            log.ends(claim.progress.current)
            try await answer(volume)
        } catch OriginError.writeFailed(let place, let reason) {
            await folders.discard(draft)
            context.logger.error(
                "an upload could not be kept",
                metadata: ["volume": "\(name)", "place": "\(place)", "reason": "\(reason)"]
            )
            throw ServiceError.noStorage(
                "The upload could not be written to the data folder: \(reason). Nothing of it remains; make room "
                    + "there, or send less."
            )
        } catch {
            await folders.discard(draft)
            throw error
        }
    }

    private func answer(_ volume: ServedVolume) async throws {
        let fields: HTTPFields = [
            .contentType: "application/json", .cacheControl: "no-store", .location: "/v1/volumes/\(name)",
            .eTag: volume.infoObject.tag,
        ]
        let body = VolumeDescription(context, head).item(name, .open(volume)).encoded()
        try await transaction.send(.created, fields, body: body)
    }

    // MARK: DELETE

    func delete() async throws {
        let folders = try writableFolders()
        try QueryParameters(head).allowOnly([])
        let claim = try sidecar.catalog.claim(name, removing: EntityTags(head.fields, .ifMatch))
        defer { sidecar.catalog.unclaim(claim) }
        let (catalog, name) = (sidecar.catalog, name)
        try await Task.detached {
            try await folders.remove(name)
            catalog.remove(claim)
        }.value
        context.logger.notice("deleted", metadata: ["volume": "\(name)", "id": "\(transaction.requestID)"])
        try await transaction.send(.noContent, FieldLines(), body: [])
    }

    private func writableFolders() throws(ServiceError) -> DataFolders {
        guard context.mayWrite else {
            throw .forbidden(
                "Nothing is written for whoever can reach this address: the service listens beyond loopback and asks "
                    + "for no tokens. Name a file of tokens in its configuration, or listen on loopback alone."
            )
        }
        guard context.tokens != nil || context.cors.mayWrite(head.fields) else {
            throw .forbidden(
                "A page of another site may not write here without a token. Name its origin in `cors.origins`, where \"*\" "
                    + "lets pages read alone, or name a file of tokens."
            )
        }
        guard let folders = sidecar.folders else {
            throw .noStorage("Nothing is kept here: `data` is null in the configuration.")
        }
        return folders
    }
}
