// SPDX-License-Identifier: Apache-2.0
import Testing
import UV

@Suite("Blocking client sockets", .timeLimit(.minutes(1)))
struct BlockingSocketTests {
    @Test("Where nobody listens, connecting is refused")
    func refused() async throws {
        let gone = try await withLoop { loop in
            let listener = try Listener(
                loop: loop.eventLoop,
                endpoint: .tcp(host: "127.0.0.1", port: 0)
            ) { $0.close() }
            await listener.closed()
            return listener.endpoint
        }
        let error = #expect(throws: UVError.self) {
            _ = try BlockingSocket(connectingTo: gone, timeout: .seconds(20))
        }
        #expect(error?.name == "ECONNREFUSED")
        #expect(error?.call == "connect(\(gone))")
    }

    @Test("A path without a socket is an error")
    func noSuchPath() {
        let error = #expect(throws: UVError.self) {
            _ = try BlockingSocket(
                connectingTo: .unix(path: "/tmp/pyramidion-none.sock"),
                timeout: .seconds(20)
            )
        }
        #expect(error?.name == "ENOENT")
    }

    @Test("A peer that says nothing is given up when the time is over")
    func silence() async throws {
        try await withLoop { loop in
            var streams: [ByteStream] = []
            let listener = try Listener(
                loop: loop.eventLoop,
                endpoint: .tcp(host: "127.0.0.1", port: 0)
            ) { streams.append($0) }
            let bound = listener.endpoint
            let error = try await onThread {
                let socket = try BlockingSocket(connectingTo: bound, timeout: .milliseconds(20))
                return #expect(throws: UVError.self) { _ = try socket.receive() }
            }
            #expect(error?.isTimeout == true)
            await listener.closed()
            for stream in streams { await stream.closed() }
        }
    }
}
