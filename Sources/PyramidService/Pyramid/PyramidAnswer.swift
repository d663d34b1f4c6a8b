// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import HTTPTypes

/// The answer of one pyramid: its head, and its body as it becomes final.
final class PyramidAnswer {
    /// Whether the answer begins before the body has ended; one without a byte would be whole with its head.
    let isEarly: Bool
    private let request: PyramidRequest
    private let planned: PlannedAnswer
    private let transaction: Transaction
    private let context: ServiceContext
    private let writer: AnswerWriter
    private let gzip: GzipSink?

    /// `early` may have made blocks of a compressed answer.
    init(
        _ request: PyramidRequest,
        _ planned: PlannedAnswer,
        _ engine: PyramidEngine,
        _ transaction: Transaction,
        _ context: ServiceContext,
        early: EarlyPacking?
    ) {
        self.request = request
        self.planned = planned
        self.transaction = transaction
        self.context = context
        isEarly = request.respondsEarly && planned.layout.byteCount > 0
        gzip = request.isGzipped ? GzipSink(transaction, pool: context.workers, early: early) : nil
        let sink: any ByteSink = gzip ?? transaction
        writer = AnswerWriter(engine, planned.layout, to: sink, pool: context.workers, early: early)
    }

    func begin() async throws {
        var fields = planned.fields
        fields.set(.contentType, planned.layout.contentType)
        fields.set(.vary, request.query.format == nil ? "Accept, Accept-Encoding" : "Accept-Encoding")
        if gzip != nil { fields.set(.contentEncoding, "gzip") }
        if isEarly { fields.set(.preferenceApplied, "respond-early") }
        // Who asked for an early answer wants its head at once.
        try await transaction.begin(
            .ok,
            fields,
            length: gzip == nil ? planned.layout.byteCount : nil,
            isHeld: !isEarly
        )
    }

    /// Writes what is final, but for the end of the answer: the body may still turn out to be wrong.
    func advance() async throws { _ = try await writer.advance(holdsEnd: true) }

    /// Writes the rest; to be called when the body has ended as it should.
    func finish() async throws {
        guard try await writer.advance() else {
            throw ServiceError.internalFault("the pyramid did not become complete")
        }
        if let gzip {
            try await gzip.finish()
            context.metrics.deflated(plain: gzip.plainBytes, packed: gzip.packedBytes)
        }
        try await transaction.end()
    }
}
