// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration

/// The plain bytes of a request's body, whatever it is packed with.
struct RequestBody {
    let source: any ByteSource
    /// What unpacks it; `nil`: nothing needs to.
    let inflating: InflatingSource?

    /// - Throws: `InflateError` or ``ServiceError`` when there is no memory. Nothing is read.
    init(_ transaction: Transaction, _ contentCoding: ContentCoding, _ context: ServiceContext) throws {
        let coding: BodyCoding
        switch contentCoding {
        case .identity:
            source = transaction
            inflating = nil
            return
        case .gzip: coding = .gzip
        case .deflate: coding = .deflate
        }
        let inflating = try InflatingSource(
            transaction,
            coding,
            pool: context.workers,
            buffers: context.buffers,
            limits: context.configuration.limits
        )
        source = inflating
        self.inflating = inflating
    }

    /// Has a compressed body read ahead while `work` runs.
    func readingAhead(
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Void
    ) async throws {
        guard let inflating else { return try await work() }
        try await inflating.readingAhead(work)
    }
}
