// SPDX-License-Identifier: Apache-2.0
import Testing
import UV

private func unixEndpoint() -> Endpoint {
    .unix(path: "/tmp/pyramidion-\(UInt64.random(in: 0 ... .max)).sock")
}

private let limit = Duration.seconds(20)
private let tcp = Endpoint.tcp(host: "127.0.0.1", port: 0)

/// Reads until the end and returns everything.
private func everything(from stream: ByteStream, on loop: isolated LoopActor) async throws -> [UInt8] {
    let events = Events<[UInt8]?>()
    try stream.startReading { event in
        switch event {
        case .bytes(let bytes): events.put([UInt8](bytes))
        case .end: events.put(nil)
        case .failed(let error):
            Issue.record(error)
            events.put(nil)
        }
    }
    var all: [UInt8] = []
    while let bytes = await events.take() { all += bytes }
    return all
}

private func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}

@Suite("Byte streams", .timeLimit(.minutes(1)))
struct ByteStreamTests {
    @Test("Bytes come and go over TCP and over a Unix socket", arguments: [tcp, unixEndpoint()])
    func roundTrip(endpoint: Endpoint) async throws {
        let sent = pattern(300_000, seed: 1)
        try await withLoop { loop in
            try await Listener.acceptOne(at: endpoint, on: loop) { bound in
                let socket = try BlockingSocket(connectingTo: bound, timeout: limit)
                try socket.send(sent)
                socket.finishSending()
                #expect(try receiveAll(socket) == Array("seen \(sent.count)".utf8))
            } serve: { stream in
                let bytes = try await everything(from: stream, on: loop)
                #expect(bytes == sent)
                try await stream.write(Array("seen \(bytes.count)".utf8))
                try await stream.shutdown()
            }
        }
    }

    @Test(
        "A list of buffers larger than the kernel takes arrives whole and in order",
        arguments: [tcp, unixEndpoint()]
    )
    func largeWrite(endpoint: Endpoint) async throws {
        // Odd sizes and an empty buffer, so that a partial write ends in the middle of one.
        let sizes = [1, 0, 70_001, 3, 9_999_999, 7, 6_000_001]
        let parts = sizes.enumerated().map { pattern($1, seed: UInt64($0)) }
        let whole = parts.flatMap { $0 } + Array("end".utf8)
        try await withLoop { loop in
            try await Listener.acceptOne(at: endpoint, on: loop) { bound in
                let socket = try BlockingSocket(connectingTo: bound, timeout: limit)
                #expect(try receiveAll(socket) == whole)
            } serve: { stream in
                // Copies whose memory stays where it is until all is written.
                let buffers = parts.map { part in
                    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: part.count, alignment: 1)
                    copy.copyBytes(from: part)
                    return copy
                }
                defer { for buffer in buffers { buffer.deallocate() } }
                let outcomes = Events<UVError?>()
                stream.write(buffers.map { UnsafeRawBufferPointer($0) }) { outcomes.put($0) }
                #expect(outcomes.isEmpty, "16 MB cannot have been taken at once")
                #expect(stream.writeQueueSize > 0)
                // Written while something is queued: must not overtake it.
                #expect(try stream.tryWrite(bytes: [1]) == 0)
                try await stream.write(Array("end".utf8))
                #expect(await outcomes.take() == nil)
                #expect(stream.writeQueueSize == 0)
                try await stream.shutdown()
            }
        }
    }

    @Test("The async write of borrowed buffers returns when the kernel has taken everything")
    func asyncLargeWrite() async throws {
        let bytes = pattern(12_000_003, seed: 5)
        try await withLoop { loop in
            try await Listener.acceptOne(at: tcp, on: loop) { bound in
                let socket = try BlockingSocket(connectingTo: bound, timeout: limit)
                #expect(try receiveAll(socket) == bytes)
            } serve: { stream in
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
                defer { memory.deallocate() }
                memory.copyBytes(from: bytes)
                let first = loop.eventLoop.turn
                try await stream.write([UnsafeRawBufferPointer(memory)])
                #expect(stream.writeQueueSize == 0)
                // However fast the peer reads, others have had their turn between one MiB and the next.
                #expect(loop.eventLoop.turn - first >= bytes.count >> 20 - 1)
                try await stream.shutdown()
            }
        }
    }

    @Test(
        "A stream whose peer never stops sending reads little in one turn of the loop",
        arguments: [tcp, unixEndpoint()]
    )
    func readingInTurns(endpoint: Endpoint) async throws {
        let count = 64 << 20
        try await withLoop { loop in
            try await Listener.acceptOne(at: endpoint, on: loop) { bound in
                let socket = try BlockingSocket(connectingTo: bound, timeout: limit)
                try socket.send([UInt8](repeating: 7, count: count))
            } serve: { stream in
                var turns: [UInt: Int] = [:]
                let ends = Events<Int>()
                try stream.startReading { event in
                    if case .bytes(let bytes) = event {
                        turns[loop.eventLoop.turn, default: 0] += bytes.count
                    } else {
                        ends.put(0)
                    }
                }
                _ = await ends.take()
                #expect(turns.values.reduce(0, +) == count)
                #expect(turns.values.allSatisfy { $0 < 1 << 20 + EventLoop.scratchBytes })
            }
        }
    }

    @Test("A reader's own memory is filled in place, and the scratch buffer when it gives none")
    func destination() async throws {
        try await withLoop { loop in
            try await Listener.acceptOne(at: tcp, on: loop) { bound in
                let socket = try BlockingSocket(connectingTo: bound, timeout: limit)
                try socket.send(Array("abcdefgh".utf8))
                #expect(try receiveAll(socket).isEmpty)
            } serve: { stream in
                let own = UnsafeMutableRawBufferPointer.allocate(byteCount: 5, alignment: 1)
                defer { own.deallocate() }
                var offers = 0
                let events = Events<String>()
                let give: () -> UnsafeMutableRawBufferPointer? = {
                    offers += 1
                    return offers == 1 ? own : nil
                }
                try stream.startReading(into: give) { event in
                    guard case .bytes(let bytes) = event else { return }
                    let isOwn = bytes.baseAddress == UnsafeRawPointer(own.baseAddress)
                    events.put((isOwn ? "own " : "scratch ") + String(decoding: bytes, as: UTF8.self))
                }
                #expect(await events.take() == "own abcde")
                #expect(await events.take() == "scratch fgh")
            }
        }
    }

    @Test("What arrives while nobody reads waits for the next reader")
    func stopReading() async throws {
        try await withLoop { loop in
            try await Listener.acceptOne(at: tcp, on: loop) { bound in
                let socket = try BlockingSocket(connectingTo: bound, timeout: limit)
                try socket.send(Array("first".utf8))
                _ = try socket.receive()
                try socket.send(Array("second".utf8))
                socket.finishSending()
                _ = try receiveAll(socket)
            } serve: { stream in
                let events = Events<String>()
                try stream.startReading { event in
                    if case .bytes(let bytes) = event { events.put(String(decoding: bytes, as: UTF8.self)) }
                    stream.stopReading()
                }
                #expect(await events.take() == "first")
                #expect(!stream.isReading)
                try await stream.write(Array("go on".utf8))
                #expect(try await everything(from: stream, on: loop) == Array("second".utf8))
            }
        }
    }

    @Test("Closing ends a write under way with ECANCELED")
    func closeWhileWriting() async throws {
        let size = 64 << 20
        try await withLoop { loop in
            try await Listener.acceptOne(at: tcp, on: loop) { bound in
                let socket = try BlockingSocket(connectingTo: bound, timeout: limit)
                // Reads nothing until the other side is gone, then whatever there was.
                _ = try? receiveAll(socket)
            } serve: { stream in
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
                defer { memory.deallocate() }
                memory.initializeMemory(as: UInt8.self, repeating: 7)
                let outcomes = Events<UVError?>()
                stream.write([UnsafeRawBufferPointer(memory)]) { outcomes.put($0) }
                #expect(stream.writeQueueSize > 0)
                stream.close()
                #expect(await outcomes.take()?.isCancellation == true)
            }
        }
    }

    @Test("Writing to a peer that is gone is an error, not a signal")
    func brokenPipe() async throws {
        try await withLoop { loop in
            let gone = Events<Bool>()
            try await Listener.acceptOne(at: tcp, on: loop) { bound in
                _ = try BlockingSocket(connectingTo: bound, timeout: limit)
            } serve: { stream in
                try stream.startReading { event in
                    switch event {
                    case .bytes: Issue.record("nobody sent anything")
                    case .end, .failed: gone.put(true)
                    }
                }
                _ = await gone.take()
                var failure: UVError?
                // The first write may still be taken; the peer's reset answers it.
                for _ in 0..<1000 where failure == nil {
                    do throws(UVError) { try await stream.write([1]) } catch { failure = error }
                    await Task.yield()
                }
                #expect(
                    failure?.name == "EPIPE" || failure?.name == "ECONNRESET",
                    "\(String(describing: failure))"
                )
            }
        }
    }

    @Test("A closed stream answers every call with ECANCELED")
    func closedStream() async throws {
        try await withLoop { loop in
            try await Listener.acceptOne(at: tcp, on: loop) { bound in
                _ = try BlockingSocket(connectingTo: bound, timeout: limit)
            } serve: { stream in
                await stream.closed()
                #expect(!stream.isOpen && !stream.isReading && stream.writeQueueSize == 0)
                stream.stopReading()
                func isCancelled(_ call: () throws(UVError) -> Void) -> Bool {
                    do throws(UVError) { try call() } catch { return error.isCancellation }
                    return false
                }
                #expect(isCancelled { () throws(UVError) in try stream.startReading { _ in } })
                #expect(isCancelled { () throws(UVError) in _ = try stream.tryWrite([], []) })
                let outcomes = Events<UVError?>()
                stream.write([1]) { outcomes.put($0) }
                #expect(await outcomes.take()?.isCancellation == true)
                stream.shutdown { outcomes.put($0) }
                #expect(await outcomes.take()?.isCancellation == true)
                stream.close()
                await stream.closed()
            }
        }
    }

    @Test("A stream knows its peer's numeric address")
    func peer() async throws {
        try await withLoop { loop in
            for (endpoint, host) in [(tcp, "127.0.0.1"), (unixEndpoint(), "unix")] {
                try await Listener.acceptOne(at: endpoint, on: loop) { bound in
                    _ = try BlockingSocket(connectingTo: bound, timeout: limit)
                } serve: { stream in
                    #expect(stream.peer.host == host)
                    #expect((stream.peer.port != nil) == (host != "unix"))
                }
            }
        }
    }
}
