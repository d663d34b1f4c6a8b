// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import HTTP1
import Synchronization

/// A plan with what follows from it alone: how its answer is laid out, lines of its head, and the engine's price.
final class PlannedAnswer: Sendable {
    let plan: PyramidPlan
    let layout: AnswerLayout
    /// Of the answer's head: those that describe the levels, and the type of their container.
    let lines: FieldLines
    /// Whether blocks of the answer are compressed before it begins; one that begins at once does so by itself, and small
    /// work is done on the loop.
    let packsEarly: Bool
    let place: ReductionPlace
    let slabsInFlight: Int
    /// What the engine holds, in bytes.
    let enginePrice: Int
    private let spare = Mutex<[PyramidEngine]>([])

    /// Engines of a higher price are made anew: there it is a small part of the work.
    private static let spareLimit = 2 << 20
    /// Seldom are more of one plan at work on the loops at once.
    private static let spareCount = 2
    /// More than a level of a plan takes.
    private static let levelByteCount = 2048

    /// - Throws: ``ServiceError`` when there are more mips than are allowed, `PlanError` for what the spec gets wrong,
    ///   `LayoutError` when the answer is larger than anything.
    init(_ request: PyramidRequest, _ spec: PyramidSpec, lanes: Int) throws {
        plan = try request.plan(spec)
        layout = try AnswerLayout(request.format, plan, checksumsAfterLevels: request.respondsEarly)
        var lines = FieldLines(PyramidFields.make(plan))
        lines.append("Content-Type", layout.contentType)
        self.lines = lines
        packsEarly = request.isGzipped && !request.respondsEarly && !plan.isSmallWork
        place = ReductionPlace(plan)
        slabsInFlight = SlabPipeline.ring(plan, place, lanes: lanes)
        // A price without bound stays one when a few bytes are added.
        enginePrice = min(plan.price(slabsInFlight: slabsInFlight), .max / 2)
    }

    private var hasSpare: Bool { enginePrice <= Self.spareLimit }

    /// At most so many bytes are held between requests.
    var byteCount: Int {
        let own = (plan.levels.count + 1) * Self.levelByteCount
        guard hasSpare else { return own }
        // The price has the buffers of slabs in it, which are not the engine's.
        return own + Self.spareCount * (enginePrice - slabsInFlight * plan.slabByteCount)
    }

    /// Returns an engine for one input.
    /// - Throws: `EngineError` when there is no memory.
    func engine() throws(EngineError) -> PyramidEngine {
        if let engine = spare.withLock({ $0.popLast() }) { return engine }
        return try PyramidEngine(plan, slabsInFlight: slabsInFlight)
    }

    /// Takes an engine back when all is reduced and written: making one takes as long as a third of a small reduction.
    func takeBack(_ engine: PyramidEngine) {
        guard hasSpare else { return }
        engine.restart()
        spare.withLock { spare in
            if spare.count < Self.spareCount { spare.append(engine) }
        }
    }
}
