// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import HTTPTypes
import Origins

/// A plan with what follows from it alone: how its answer is laid out, its fields, and the engine's price.
final class PlannedAnswer: Sendable {
    let plan: PyramidPlan
    let layout: AnswerLayout
    /// Those that describe the levels.
    let fields: HTTPFields
    let slabsInFlight: Int
    /// What the engine holds, in bytes.
    let enginePrice: Int

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

    private static let budget = 512 << 10
    /// No sensible query is longer.
    private static let longestQuery = 256
    /// More than a query or a level of a plan takes, in bytes.
    private static let itemByteCount = 2048

    private let lanes: Int
    private let queries = ObjectCache<String, PyramidQuery>(budget: budget)
    private let answers = ObjectCache<Key, PlannedAnswer>(budget: budget)

    init(lanes: Int) { self.lanes = lanes }

    /// - Throws: ``ServiceError/parameter(_:_:)``.
    func query(_ text: String?) throws(ServiceError) -> PyramidQuery {
        guard let text, text.utf8.count <= Self.longestQuery else { return try PyramidQuery(text) }
        if let known = queries.value(text) { return known }
        let query = try PyramidQuery(text)
        queries.put(text, query, cost: Self.itemByteCount)
        return query
    }

    /// - Throws: As ``PlannedAnswer/init(_:_:lanes:)``.
    func answer(_ request: PyramidRequest, _ spec: PyramidSpec) throws -> PlannedAnswer {
        // The boundary of a multipart answer is its own.
        guard request.format != .multipart else { return try PlannedAnswer(request, spec, lanes: lanes) }
        let key = Key(spec: spec, format: request.format, respondsEarly: request.respondsEarly)
        if let known = answers.value(key) { return known }
        let answer = try PlannedAnswer(request, spec, lanes: lanes)
        answers.put(key, answer, cost: (answer.plan.levels.count + 1) * Self.itemByteCount)
        return answer
    }
}
