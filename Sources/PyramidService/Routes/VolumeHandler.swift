// SPDX-License-Identifier: Apache-2.0
import Configuration
import HTTP1
import HTTPServer
import HTTPTypes
import Origins
import Volumes
import Voxels

/// Serves everything below `/v1/volumes`, `/precomputed` and `/zarr`.
struct VolumeHandler {
    let context: ServiceContext
    let transaction: Transaction

    init(_ context: ServiceContext, _ transaction: Transaction) {
        self.context = context
        self.transaction = transaction
    }

    private var sidecar: Sidecar { context.sidecar }
    private var head: RequestHead { transaction.exchange.head }

    func answer(_ match: RouteMatch) async throws {
        // Nothing but waiting is lost with these, and what is made for others goes on for them.
        transaction.exchange.endsWithClient = match.route.endsWithClient
        switch match.route {
        case .volumes: try await list()
        case .volume: try await volume(match.name)
        case .info: try await info(match.name)
        case .cutout: try await CutoutHandler(context, transaction).answer(try await open(match.name))
        case .preview: try await PreviewHandler(context, transaction).answer(try await open(match.name))
        case .zarr: try await ZarrHandler(context, transaction).answer(try await open(match.name), match.key)
        case .page, .pageFile, .pyramid, .chunk, .openAPI, .health, .ready, .version, .metrics:
            throw ServiceError.internalFault("\(match.route.rawValue) is answered elsewhere")
        }
    }

    // MARK: What there is

    private func list() async throws {
        try QueryParameters(head).allowOnly([])
        let description = VolumeDescription(context, head)
        let items = sidecar.catalog.all.map { description.item($0.name, $0.entry) }
        try await json(.array(items))
    }

    private func volume(_ name: String) async throws {
        switch head.method {
        case .put: try await UploadHandler(context, transaction, name).handle()
        case .delete: try await UploadHandler(context, transaction, name).delete()
        default:
            try QueryParameters(head).allowOnly([])
            guard let entry = sidecar.catalog.entry(name) else {
                throw ServiceError.notFound("There is no volume \(shortened(name)); /v1/volumes lists all.")
            }
            // A source that failed may be back.
            if case .closed = entry { _ = try? await sidecar.catalog.volume(name) }
            let current = sidecar.catalog.entry(name) ?? entry
            let tag = if case .open(let volume) = current { volume.infoObject.tag } else { String?.none }
            try await json(VolumeDescription(context, head).item(name, current), tag: tag)
        }
    }

    private func json(_ value: JSONValue, tag: String? = nil) async throws {
        var fields: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if let tag { fields[.eTag] = tag }
        try await transaction.send(.ok, fields, body: value.encoded())
    }

    private func open(_ name: String) async throws -> ServedVolume {
        if let volume = sidecar.catalog.open(name) { return volume }
        return try await sidecar.catalog.volume(name)
    }

    // MARK: Precomputed

    private func info(_ name: String) async throws {
        let volume = try await open(name)
        let answer = RepresentationAnswer(
            transaction: transaction,
            contentType: "application/json",
            cacheControl: context.cacheControl,
            isCompressible: false
        )
        try await answer.send(volume.infoObject.bytes, .identity, tag: volume.infoObject.tag)
    }

    /// Answers with one chunk: in as few asynchronous calls as can be, since most are at hand and nothing waits.
    func chunk(_ match: RouteMatch) async throws {
        let volume =
            if let open = sidecar.catalog.open(match.name) { open } else { try await open(match.name) }
        guard let level = volume.levelOfKey[match.key] else {
            let path = match.key.isEmpty ? match.chunk : match.key + "/" + match.chunk
            throw ServiceError.notFound(
                "The volume \(match.name) has no \(shortened(path)); it has info, and the scales "
                    + "\(volume.levels.map(\.scale.key).joined(separator: ", "))."
            )
        }
        // Looked at where it is: a copy of a level counts a dozen references.
        guard let place = volume.levels[level].place(named: match.chunk[...]) else {
            throw ServiceError.notFound(offGrid(match.chunk[...], volume.levels[level]))
        }
        let answer = RepresentationAnswer(
            transaction: transaction,
            contentType: volume.levels[level].contentType,
            cacheControl: context.cacheControl,
            isCompressible: volume.levels[level].isCompressible,
            memory: context.answers
        )
        let coding = try answer.coding()
        let chunk: EncodedChunk
        if let cached = sidecar.supply.cached(volume, level, place, coding) {
            chunk = cached
        } else {
            chunk = try await sidecar.supply.chunk(volume, level, place, coding)
        }
        try await answer.send(chunk.bytes, chunk.coding == .gzip ? .gzip : .identity, tag: chunk.tag)
    }

    private func offGrid(_ name: Substring, _ level: ServedLevel) -> String {
        let bounds = level.bounds
        let grid =
            "chunks of \(level.grids.map { "\($0.chunk.entries)" }.joined(separator: " or ")) from "
            + "\(bounds.begin.entries) to \(bounds.end.entries), the last ones clipped"
        guard ChunkName.parse(name) != nil else {
            return "\(shortened(String(name))) is no name of a chunk; there are \(grid), as "
                + "\(ChunkName.text(level.grids[0].box(.init(repeating: 0))))."
        }
        return "There is no chunk \(shortened(String(name))) at \(level.scale.key); there are \(grid)."
    }
}

extension ServedLevel {
    var contentType: String {
        switch scale.encoding {
        case .jpeg: "image/jpeg"
        case .png: "image/png"
        case .jxl: "image/jxl"
        case .raw, .compressedSegmentation, .compresso: "application/octet-stream"
        }
    }

    /// Pictures are packed already.
    var isCompressible: Bool {
        switch scale.encoding {
        case .raw, .compressedSegmentation: true
        case .jpeg, .png, .jxl, .compresso: false
        }
    }
}
