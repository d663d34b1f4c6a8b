// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import UV

private let limit = Duration.seconds(20)
private let anyPort = Endpoint.tcp(host: "127.0.0.1", port: 0)

private func temporaryPath() -> String { "/tmp/pyramidion-\(UInt64.random(in: 0 ... .max)).sock" }

private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

@Suite("Listeners", .timeLimit(.minutes(1)))
struct ListenerTests {
    @Test("Port 0 becomes the port that the system chose")
    func chosenPort() async throws {
        try await withLoop { loop in
            for host in ["127.0.0.1", "::1", "localhost"] {
                let listener = try Listener(
                    loop: loop.eventLoop,
                    endpoint: .tcp(host: host, port: 0)
                ) { $0.close() }
                guard case .tcp(_, let port) = listener.endpoint else {
                    Issue.record("not a TCP endpoint: \(listener.endpoint)")
                    return
                }
                #expect(port != 0)
                await listener.closed()
            }
        }
    }

    @Test("A port in use is refused, also one that is shared, except to those who join in sharing it")
    func sharedPort() async throws {
        try await withLoop { loop in
            var options = Listener.Options()
            options.portSharing = .begins
            let first = try Listener(loop: loop.eventLoop, endpoint: anyPort, options: options) { $0.close() }
            options.portSharing = .joins
            let second = try Listener(
                loop: loop.eventLoop,
                endpoint: first.endpoint,
                options: options
            ) { $0.close() }
            #expect(second.endpoint == first.endpoint)
            for sharing in [Listener.PortSharing.none, .begins] {
                options.portSharing = sharing
                do throws(UVError) {
                    _ = try Listener(loop: loop.eventLoop, endpoint: first.endpoint, options: options) {
                        $0.close()
                    }
                    Issue.record("a port in use was bound")
                } catch {
                    #expect(error.name == "EADDRINUSE")
                    #expect(
                        error.call == "bind(\(first.endpoint))" || error.call == "listen(\(first.endpoint))"
                    )
                }
            }
            await first.closed()
            await second.closed()
        }
    }

    @Test("An unknown host is an error that names it")
    func unknownHost() async throws {
        try await withLoop { loop in
            do throws(UVError) {
                let endpoint = Endpoint.tcp(host: "999.1.1.1", port: 0)
                _ = try Listener(loop: loop.eventLoop, endpoint: endpoint) { $0.close() }
                Issue.record("no such host")
            } catch {
                #expect(error.call == "getaddrinfo(999.1.1.1)")
            }
        }
    }

    @Test("A Unix socket's file is removed when its listener is closed")
    func unlinks() async throws {
        try await withLoop { loop in
            let path = temporaryPath()
            let listener = try Listener(loop: loop.eventLoop, endpoint: .unix(path: path)) { $0.close() }
            #expect(exists(path))
            await listener.closed()
            #expect(!exists(path))
        }
    }

    @Test("A stale Unix socket is removed, one that somebody listens on is not")
    func staleSocket() async throws {
        try await withLoop { loop in
            let path = temporaryPath()
            let bound = try bindWithoutListening(path)
            close(bound)
            #expect(exists(path))
            let listener = try Listener(loop: loop.eventLoop, endpoint: .unix(path: path)) { $0.close() }
            do throws(UVError) {
                _ = try Listener(loop: loop.eventLoop, endpoint: .unix(path: path)) { $0.close() }
                Issue.record("a live socket was replaced")
            } catch {
                #expect(error.name == "EADDRINUSE")
            }
            #expect(exists(path))
            await listener.closed()
        }
    }

    @Test("A file that is no socket is never removed")
    func ordinaryFile() async throws {
        try await withLoop { loop in
            let path = temporaryPath()
            close(creat(path, 0o600))
            defer { unlink(path) }
            do throws(UVError) {
                _ = try Listener(loop: loop.eventLoop, endpoint: .unix(path: path)) { $0.close() }
                Issue.record("a file was replaced")
            } catch {
                #expect(error.name == "EADDRINUSE")
            }
            #expect(exists(path))
        }
    }

    @Test("The file of a successor at the same path is left alone")
    func successor() async throws {
        try await withLoop { loop in
            let path = temporaryPath()
            let listener = try Listener(loop: loop.eventLoop, endpoint: .unix(path: path)) { $0.close() }
            unlink(path)
            let other = try bindWithoutListening(path)
            await listener.closed()
            #expect(exists(path))
            close(other)
            unlink(path)
        }
    }

    @Test("A path too long for a Unix socket is an error")
    func longPath() async throws {
        try await withLoop { loop in
            let path = "/tmp/" + String(repeating: "x", count: 104)
            do throws(UVError) {
                _ = try Listener(loop: loop.eventLoop, endpoint: .unix(path: path)) { $0.close() }
                Issue.record("a path of 109 bytes was bound")
            } catch {
                #expect(error.name == "ENAMETOOLONG")
            }
        }
    }

    @Test("While a listener is paused, connections wait; then they are accepted")
    func pausing() async throws {
        try await withLoop { loop in
            let accepted = Events<String>()
            let listener = try Listener(loop: loop.eventLoop, endpoint: anyPort) { stream in
                accepted.put("accepted")
                stream.close()
            }
            listener.pause()
            let bound = listener.endpoint
            // The kernel completes the handshake, so the client connects.
            async let client = onThread {
                let socket = try BlockingSocket(connectingTo: bound, timeout: limit)
                return try receiveAll(socket)
            }
            let turns = Events<Bool>()
            let timer = try LoopTimer(loop: loop.eventLoop) { turns.put(true) }
            timer.start(after: .milliseconds(1), repeatingEvery: .milliseconds(1))
            for _ in 0..<20 { _ = await turns.take() }
            await timer.closed()
            #expect(accepted.isEmpty)
            listener.resume()
            #expect(await accepted.take() == "accepted")
            #expect(try await client == [])
            await listener.closed()
        }
    }

    @Test("Out of descriptors, a listener pauses and accepts later what has waited")
    func exhaustion() async throws {
        // In a process of its own, because its other parts would suffer too.
        await #expect(processExitsWith: .success) {
            try await withLoop { loop in
                let accepted = Events<String>()
                var options = Listener.Options()
                options.pauseWhenExhausted = .milliseconds(2)
                let listener = try Listener(loop: loop.eventLoop, endpoint: anyPort, options: options) {
                    stream in
                    accepted.put("accepted")
                    stream.close()
                }
                let socket = try BlockingSocket(connectingTo: listener.endpoint, timeout: limit)
                // Nothing that is open is closed by this, but nothing more can be opened.
                try limitDescriptors(to: 0)
                while listener.exhaustions < 3 { await Task.yield() }
                precondition(accepted.isEmpty, "accepted without a descriptor")
                try limitDescriptors(to: 256)
                let answer = await accepted.take()
                precondition(answer == "accepted")
                let rest = try socket.receive()
                precondition(rest.isEmpty)
                await listener.closed()
            }
        }
    }
}

private func limitDescriptors(to count: rlim_t) throws {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limits = rlimit()
    try #require(getrlimit(resource, &limits) == 0)
    limits.rlim_cur = count
    try #require(setrlimit(resource, &limits) == 0)
}

private func bindWithoutListening(_ path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let code = withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    try #require(descriptor >= 0 && code == 0)
    return descriptor
}
