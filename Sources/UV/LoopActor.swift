// SPDX-License-Identifier: Apache-2.0

/// An actor whose executor is an ``EventLoop``: code isolated to it runs on the loop's thread and may touch handles.
///
/// Connections are non-Sendable classes whose methods take `isolated LoopActor`. Callbacks given to handles are
/// plain closures made in such a method; they inherit its isolation, and handles call them on the loop's thread:
///
///     func start(on loop: isolated LoopActor) throws {
///         try stream.startReading { self.received($0, on: loop) }
///     }
///     func received(_ event: ByteStream.ReadEvent, on loop: isolated LoopActor) {
///         Task.immediate { await self.answer(on: loop) }
///     }
///
/// `Task.immediate` inherits the isolation and runs to its first suspension before it returns. Give it no
/// `executorPreference`: in Swift 6.3 the runtime starts the task without one, sees that the preferred executor
/// differs, and sends it through the queue after all. What is isolated here stays on the loop without it, and so do
/// nonisolated async functions, which run on their caller's actor; only `@concurrent` ones leave.
package actor LoopActor {
    /// The loop that runs this actor.
    package nonisolated let eventLoop: EventLoop

    /// The loop, as the runtime wants it.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.asUnownedSerialExecutor() }

    /// Makes an actor on `eventLoop`; one loop may host several.
    package init(_ eventLoop: EventLoop) { self.eventLoop = eventLoop }

    /// Runs `body` on the loop's thread and returns what it returns.
    package func run<Value: Sendable, Failure: Error>(
        _ body: @Sendable (isolated LoopActor) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await body(self)
    }
}
