// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Synchronization

/// The queries and plans of the latest requests: clients post arrays of one shape all day, and taking a query apart and
/// planning costs as much as reducing a small array.
///
/// Queries are known by their text, plans by all that they follow from.
final class RecentPlans: Sendable {
    private struct Key: Hashable {
        let spec: PyramidSpec
        let format: AnswerFormat
        let respondsEarly: Bool
        let isGzipped: Bool
    }

    private static let answerBudget = 16 << 20
    private static let queryBudget = 256 << 10
    /// No sensible query is longer.
    private static let longestQuery = 256
    /// More than a query takes beside its text.
    private static let queryByteCount = 512

    private let lanes: Int
    private let voxelLimit: Int
    private let queries = Mutex(Memo<String, PyramidQuery>(budget: queryBudget))
    private let answers = Mutex(Memo<Key, PlannedAnswer>(budget: answerBudget))

    init(lanes: Int, voxelLimit: Int) {
        self.lanes = lanes
        self.voxelLimit = voxelLimit
    }

    /// - Throws: As ``PyramidQuery/init(_:voxelLimit:)``.
    func query(_ text: String?) throws(ServiceError) -> PyramidQuery {
        guard let text, text.utf8.count <= Self.longestQuery else {
            return try PyramidQuery(text, voxelLimit: voxelLimit)
        }
        if let known = queries.withLock({ $0[text] }) { return known }
        let query = try PyramidQuery(text, voxelLimit: voxelLimit)
        queries.withLock { $0.keep(query, for: text, cost: text.utf8.count + Self.queryByteCount) }
        return query
    }

    /// - Throws: As ``PlannedAnswer/init(_:_:lanes:)``.
    func answer(_ request: PyramidRequest, _ spec: PyramidSpec) throws -> PlannedAnswer {
        // The boundary of a multipart answer is its own.
        guard request.format != .multipart else { return try PlannedAnswer(request, spec, lanes: lanes) }
        let key = Key(
            spec: spec,
            format: request.format,
            respondsEarly: request.respondsEarly,
            isGzipped: request.isGzipped
        )
        if let known = answers.withLock({ $0[key] }) { return known }
        let answer = try PlannedAnswer(request, spec, lanes: lanes)
        answers.withLock { $0.keep(answer, for: key, cost: answer.byteCount) }
        return answer
    }

    /// Lets go of all plans and their engines.
    func forgetAnswers() { answers.withLock { $0.forget() } }
}

/// Values under keys, until they cost more than a budget: then all are forgotten.
///
/// Simpler than to forget the oldest, and as good where few keys come again and again.
private struct Memo<Key: Hashable, Value> {
    private var values: [Key: Value] = [:]
    private var cost = 0
    private let budget: Int

    init(budget: Int) { self.budget = budget }

    subscript(key: Key) -> Value? { values[key] }

    mutating func forget() {
        values = [:]
        cost = 0
    }

    mutating func keep(_ value: Value, for key: Key, cost: Int) {
        guard cost <= budget else { return }
        if cost > budget - self.cost { forget() }
        // Two requests at once may both have found nothing.
        if values.updateValue(value, forKey: key) == nil { self.cost += cost }
    }
}
