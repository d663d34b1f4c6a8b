// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Testing
import UV

/// Runs `body` on a loop of its own and expects that nothing is left of it afterwards.
func withLoop<Value: Sendable>(
    _ body: @Sendable (isolated LoopActor) async throws -> Value
) async throws -> Value {
    let loop = try EventLoop(name: "test")
    let outcome: Result<Value, any Error>
    do {
        outcome = .success(try await LoopActor(loop).run(body))
    } catch {
        outcome = .failure(error)
    }
    let report = await loop.close()
    #expect(report.isClean, "\(report)")
    return try outcome.get()
}

/// Runs blocking `work` on a thread that may block.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        // A serial queue has a thread of its own; the global ones share those of Swift's tasks.
        DispatchQueue(label: "blocking").async { continuation.resume(with: Result(catching: work)) }
    }
}

/// Receives until the peer has sent all.
func receiveAll(_ socket: borrowing BlockingSocket) throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
        let bytes = try socket.receive()
        if bytes.isEmpty { return all }
        all += bytes
    }
}

/// What a test waits for: callbacks put values in, the test takes them out, both on the loop.
///
/// Not for `Void`: Swift 6.3.1, optimising, forgets to return to the caller's actor in `take` specialised for it.
final class Events<Value: Sendable> {
    private var values: [Value] = []
    private var waiting: CheckedContinuation<Value, Never>?

    func put(_ value: Value) {
        if let waiting {
            self.waiting = nil
            waiting.resume(returning: value)
        } else {
            values.append(value)
        }
    }

    func take() async -> Value {
        if !values.isEmpty { return values.removeFirst() }
        return await withCheckedContinuation { waiting = $0 }
    }

    var isEmpty: Bool { values.isEmpty }
}

/// A connection: our end on the loop, and where the peer connects to.
extension Listener {
    /// Accepts one connection from a client that runs on a thread beside.
    static func acceptOne(
        at endpoint: Endpoint,
        on loop: isolated LoopActor,
        client: @escaping @Sendable (Endpoint) throws -> Void,
        serve: (ByteStream) async throws -> Void
    ) async throws {
        let streams = Events<Int>()
        var accepted: ByteStream?
        let listener = try Listener(loop: loop.eventLoop, endpoint: endpoint) { stream in
            accepted = stream
            streams.put(0)
        }
        let bound = listener.endpoint
        async let done: Void = onThread { try client(bound) }
        _ = await streams.take()
        let stream = try #require(accepted)
        do {
            try await serve(stream)
        } catch {
            await stream.closed()
            await listener.closed()
            throw error
        }
        await stream.closed()
        await listener.closed()
        try await done
    }
}
