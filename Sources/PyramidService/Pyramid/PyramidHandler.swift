// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import HTTP1
import HTTPServer
import HTTPTypes
import UV
import Voxels
import Workers

/// Serves `POST /v1/pyramid`: checks, plans, prices, admits, and only then reads.
struct PyramidHandler {
    let context: ServiceContext
    let transaction: Transaction
    private let request: PyramidRequest
    /// `Content-Length`.
    private let byteCount: Int?

    /// - Throws: ``ServiceError`` for whatever the head condemns.
    init(_ context: ServiceContext, _ transaction: Transaction) throws(ServiceError) {
        self.context = context
        self.transaction = transaction
        let head = transaction.exchange.head
        byteCount = if case .length(let count) = head.framing { count } else { nil }
        request = try PyramidRequest(
            query: head.target.query,
            fields: head.fields,
            framing: head.framing,
            limits: context.configuration.limits
        )
    }

    /// Answers the request, or throws what went wrong; the answer may have begun then.
    func handle() async throws {
        switch request.kind {
        case .raw:
            // Nothing is read, and no 100 Continue is sent, before the pyramid is admitted.
            let plan = try request.plan(request.rawSpec(byteCount: byteCount))
            try await admitted(plan) { source in try await make(plan, isBigEndian: false, source) }
        case .npy:
            let body = try RequestBody(transaction, request.contentCoding, context)
            let (header, rest) = try await NpyPrefix.read(from: body.source)
            let plan = try request.plan(request.npySpec(header, byteCount: byteCount))
            try await admitted(plan, body: body, from: rest) { source in
                try await make(plan, isBigEndian: header.isBigEndian, source)
            }
        }
    }

    /// Sets the pyramid's price aside while `work` runs.
    private func admitted(
        _ plan: PyramidPlan,
        body: RequestBody? = nil,
        from rest: (any ByteSource)? = nil,
        _ work: (any ByteSource) async throws -> Void
    ) async throws {
        let price = price(plan)
        let arrived = ContinuousClock.now
        try await context.admission.enter(price: price)
        defer {
            context.admission.leave(price: price)
            context.spareMemory.admissionChanged(context.admission)
            context.spareMemory.pyramidEnded()
        }
        transaction.timed("queue", arrived.duration(to: .now))
        let body =
            if let body { body } else { try RequestBody(transaction, request.contentCoding, context) }
        try await body.readingAhead { try await work(rest ?? body.source) }
        if let inflating = body.inflating {
            context.metrics.inflated(packed: inflating.packedBytes, plain: inflating.plainBytes)
        }
        context.metrics.reduced(plan.spec)
    }

    /// The engine's price, and what packing and unpacking hold.
    private func price(_ plan: PyramidPlan) -> Int {
        let lanes = context.workers.lanes
        // A price without bound stays one when the few bytes below are added.
        var price = min(plan.price(slabsInFlight: SlabPipeline.ring(plan, lanes: lanes)), .max / 2)
        if request.contentCoding != .identity { price += InflatingSource.inputByteCount + (64 << 10) }
        if request.isGzipped { price += (lanes + 2) * 2 * GzipBlockEncoder.blockByteCount }
        if packsEarly(plan) { price += EarlyPacking.budget(plan) }
        return price
    }

    /// Whether blocks of the answer are compressed before it begins; one that begins at once does so by itself, and small
    /// work is done on the loop.
    private func packsEarly(_ plan: PyramidPlan) -> Bool {
        request.isGzipped && !request.respondsEarly && !plan.isSmallWork
    }

    private func make(_ plan: PyramidPlan, isBigEndian: Bool, _ source: any ByteSource) async throws {
        let ring = SlabPipeline.ring(plan, lanes: context.workers.lanes)
        let engine = try PyramidEngine(plan, slabsInFlight: ring)
        // Only now: what lay spare may have become this pyramid's own.
        context.spareMemory.admissionChanged(context.admission)
        let early = packsEarly(plan) ? EarlyPacking(engine) : nil
        let pipeline = SlabPipeline(
            engine: engine,
            isBigEndian: isBigEndian,
            cancellation: transaction.exchange.cancellation,
            pool: context.workers,
            buffers: context.buffers,
            early: early
        )
        let answer = try PyramidAnswer(request, pipeline.engine, transaction, context, early: early)
        if answer.isEarly {
            try await answer.begin()
            try await pipeline.run(source) { _ in try await answer.advance() }
        } else {
            let began = ContinuousClock.now
            try await pipeline.run(source) { _ in }
            transaction.timed("read", began.duration(to: .now))
            try await answer.begin()
        }
        try await answer.finish()
    }
}
