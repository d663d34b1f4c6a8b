// SPDX-License-Identifier: Apache-2.0
import Workers

/// Runs pieces of work on lanes, with at most `width` begun and not yet taken, and takes their results in order.
///
/// - Parameters:
///   - count: How many pieces there are.
///   - width: Piece `i` is prepared only when piece `i - width` was taken.
///   - pool: The lanes.
///   - isolation: The caller's actor.
///   - prepare: Called in order on the caller's executor; returns what a lane is to do.
///   - take: Called in order on the caller's executor with each result.
/// - Throws: The first error of any of them, when all work that was begun has ended.
func inOrder<Value: Sendable>(
    _ count: Int,
    width: Int,
    on pool: WorkerPool,
    isolation: isolated (any Actor)? = #isolation,
    prepare: (Int) async throws -> @Sendable () throws -> Value,
    take: (Int, Value) async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        // The library's closures stay on the caller's actor only if they capture it; `prepare` and `take` touch
        // what lives on a loop.
        _ = isolation
        var early: [Int: Value] = [:]
        var next = 0
        for index in 0..<(count + width) {
            while index - next >= width, next < count {
                if let value = early.removeValue(forKey: next) {
                    try await take(next, value)
                    next += 1
                } else if let (done, value) = try await group.next() {
                    early[done] = value
                }
            }
            guard index < count else { continue }
            let work = try await prepare(index)
            // Immediate: the work goes to its lane from here, without a turn through the global executor.
            group.addImmediateTask { (index, try await pool.run(work)) }
        }
    }
}
