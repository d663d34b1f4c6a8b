// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import HTTPTypes
import Origins
import Synchronization

/// A plan with what follows from it alone: how its answer is laid out, its fields, and the engine's price.
final class PlannedAnswer: Sendable {
    let plan: PyramidPlan
    let layout: AnswerLayout
    /// Those that describe the levels.
    let fields: HTTPFields
    let slabsInFlight: Int
    /// What the engine holds, in bytes.
    let enginePrice: Int
    private let spare = Mutex<[PyramidEngine]>([])

    /// A spare engine may hold so many bytes, and there may be so many: seldom are more under way at once on the loops.
    private static let spareByteCount = 512 << 10
    private static let spareCount = 2
    /// More than a level of a plan takes.
    private static let levelByteCount = 2048

    /// - Throws: ``ServiceError`` when there are more mips than are allowed, `PlanError` for what the spec gets wrong,
    ///   `LayoutError` when the answer is larger than anything.
    init(_ request: PyramidRequest, _ spec: PyramidSpec, lanes: Int) throws {
        plan = try request.plan(spec)
        layout = try AnswerLayout(request.format, plan, checksumsAfterLevels: request.respondsEarly)
        fields = PyramidFields.make(plan)
        slabsInFlight = SlabPipeline.ring(plan, lanes: lanes)
        // A price without bound stays one when a few bytes are added.
        enginePrice = min(plan.price(slabsInFlight: slabsInFlight), .max / 2)
    }

    private var hasSpare: Bool { enginePrice <= Self.spareByteCount }

    /// At most so many bytes are held between requests.
    var byteCount: Int {
        (plan.levels.count + 1) * Self.levelByteCount + (hasSpare ? Self.spareCount * enginePrice : 0)
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

/// The queries and plans of the latest requests: clients post arrays of one shape all day, and taking a query apart and
/// planning costs as much as reducing a small array.
///
/// Queries are known by their text, plans by all that they follow from. Both are bounded, at some hundreds.
final class RecentPlans: Sendable {
    private struct Key: Hashable {
        let spec: PyramidSpec
        let format: AnswerFormat
        let respondsEarly: Bool
    }

    private static let answerBudget = 8 << 20
    private static let queryBudget = 256 << 10
    /// No sensible query is longer.
    private static let longestQuery = 256
    /// More than a query takes beside its text.
    private static let queryByteCount = 512

    private let lanes: Int
    private let queries = ObjectCache<String, PyramidQuery>(budget: queryBudget)
    private let answers = ObjectCache<Key, PlannedAnswer>(budget: answerBudget)

    init(lanes: Int) { self.lanes = lanes }

    /// - Throws: ``ServiceError/parameter(_:_:)``.
    func query(_ text: String?) throws(ServiceError) -> PyramidQuery {
        guard let text, text.utf8.count <= Self.longestQuery else { return try PyramidQuery(text) }
        if let known = queries.value(text) { return known }
        let query = try PyramidQuery(text)
        queries.put(text, query, cost: text.utf8.count + Self.queryByteCount)
        return query
    }

    /// - Throws: As ``PlannedAnswer/init(_:_:lanes:)``.
    func answer(_ request: PyramidRequest, _ spec: PyramidSpec) throws -> PlannedAnswer {
        // The boundary of a multipart answer is its own.
        guard request.format != .multipart else { return try PlannedAnswer(request, spec, lanes: lanes) }
        let key = Key(spec: spec, format: request.format, respondsEarly: request.respondsEarly)
        if let known = answers.value(key) { return known }
        let answer = try PlannedAnswer(request, spec, lanes: lanes)
        answers.put(key, answer, cost: answer.byteCount)
        return answer
    }
}
