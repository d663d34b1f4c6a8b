// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Origins
import Workers

/// The small answers for those who operate the service.
struct Probes {
    let context: ServiceContext

    func answer(_ route: Route, _ transaction: Transaction) async throws {
        switch route {
        case .page, .pageFile, .pyramid, .volumes, .volume, .cutout, .preview, .info, .chunk, .zarr:
            throw ServiceError.internalFault("\(route.rawValue) is no probe")
        case .health: try await json(transaction, .ok, [("status", "alive")])
        case .ready: try await ready(transaction)
        case .version:
            let members = [
                ("name", "pyramidion"), ("version", context.build.version), ("cpu", context.build.cpuVariant),
            ]
            try await json(transaction, .ok, members)
        case .metrics: try await metrics(transaction)
        case .openAPI:
            try await RepresentationAnswer(
                transaction: transaction,
                contentType: "application/json",
                isCompressible: false
            )
            .send(OpenAPIDocument.bytes, .identity, tag: OpenAPIDocument.tag)
        }
    }

    private func ready(_ transaction: Transaction) async throws {
        switch context.readiness.state {
        case .ready: try await json(transaction, .ok, [("status", "ready")])
        case .starting:
            try await json(
                transaction,
                .serviceUnavailable,
                [("status", "starting"), ("reason", "volumes are being opened")]
            )
        case .draining:
            let reason = "stopping: no new work is taken"
            try await json(transaction, .serviceUnavailable, [("status", "draining"), ("reason", reason)])
        }
    }

    private func metrics(_ transaction: Transaction) async throws {
        let load = ServiceLoad(
            server: context.serverCounters,
            admission: context.admission.load,
            memoryBudget: context.admission.budget,
            lanes: context.workers.lanes,
            busyLanes: context.workers.busy,
            queuedWork: context.workers.queued,
            sidecar: SidecarLoad(
                counts: context.sidecar.supply.counters.counts,
                cache: context.sidecar.supply.cache.counts,
                disk: context.sidecar.folders?.diskCounts,
                boxes: context.sidecar.boxes.load
            )
        )
        let fields: HTTPFields = [.contentType: PrometheusText.mediaType, .cacheControl: "no-store"]
        let text = context.metrics.text(load, build: context.build)
        try await transaction.send(.ok, fields, body: Array(text.utf8))
    }

    private func json(
        _ transaction: Transaction,
        _ status: HTTPResponse.Status,
        _ members: [(String, String)]
    ) async throws {
        var text = JSONText()
        for (name, value) in members { text.member(name, value) }
        let fields: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        try await transaction.send(status, fields, body: text.closed())
    }
}
