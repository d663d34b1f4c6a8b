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
            query: try context.plans.query(head.target.query),
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
            let planned = try context.plans.answer(request, request.rawSpec(byteCount: byteCount))
            try await admitted(planned) { source in try await make(planned, isBigEndian: false, source) }
        case .npy:
            let body = try RequestBody(transaction, request.contentCoding, context)
            let (header, rest) = try await request.npyHeader(body.source)
            let planned = try context.plans.answer(request, request.npySpec(header, byteCount: byteCount))
            try await admitted(planned, body: body, from: rest) { source in
                try await make(planned, isBigEndian: header.isBigEndian, source)
            }
        }
    }

    /// Sets the pyramid's price aside while `work` runs.
    private func admitted(
        _ planned: PlannedAnswer,
        body: RequestBody? = nil,
        from rest: (any ByteSource)? = nil,
        _ work: (any ByteSource) async throws -> Void
    ) async throws {
        let price = price(planned)
        let arrived = ContinuousClock.now
        let hint =
            planned.plan.heldWindowByteCount.map {
                " \($0) bytes of the input are held for one box; smaller factors hold less."
            }
        try await context.admission.enter(price: price, for: .pyramid, hint: hint ?? "")
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
        context.metrics.reduced(planned.plan.spec)
    }

    /// The engine's price, and what packing and unpacking hold.
    private func price(_ planned: PlannedAnswer) -> Int {
        var price = planned.enginePrice
        if request.contentCoding != .identity { price += InflatingSource.inputByteCount + (64 << 10) }
        if request.isGzipped { price += (context.workers.lanes + 2) * 2 * GzipBlockEncoder.blockByteCount }
        if planned.packsEarly { price += EarlyPacking.budget(planned.plan) }
        return price
    }

    private func make(_ planned: PlannedAnswer, isBigEndian: Bool, _ source: any ByteSource) async throws {
        let engine = try planned.engine()
        // Only now: what lay spare may have become this pyramid's own.
        context.spareMemory.admissionChanged(context.admission)
        let early = planned.packsEarly ? EarlyPacking(engine) : nil
        let pipeline = SlabPipeline(
            engine: engine,
            place: planned.place,
            isBigEndian: isBigEndian,
            cancellation: transaction.exchange.cancellation,
            pool: context.workers,
            buffers: context.buffers,
            early: early
        )
        let answer = PyramidAnswer(request, planned, engine, transaction, context, early: early)
        if answer.isEarly {
            transaction.exchange.askForBody()
            try await answer.begin()
            try await pipeline.run(source) { _ in try await answer.advance() }
        } else {
            let began = ContinuousClock.now
            try await pipeline.run(source) { _ in }
            transaction.timed("read", began.duration(to: .now))
            try await answer.begin()
        }
        try await answer.finish()
        planned.takeBack(engine)
    }
}
