// SPDX-License-Identifier: Apache-2.0

package import UV

/// An HTTP/1.1 server on libuv: listeners on one or more loops that give each request to a responder.
package final class HTTPServer: Sendable {
    /// What it listens on, in the order asked for, with the ports that the system chose.
    package let endpoints: [Endpoint]
    /// What it does, for metrics.
    package let counters: ServerCounters
    private let loops: [EventLoop]
    private let servers: [LoopServer]

    private init(endpoints: [Endpoint], counters: ServerCounters, loops: [EventLoop], servers: [LoopServer]) {
        self.endpoints = endpoints
        self.counters = counters
        self.loops = loops
        self.servers = servers
    }

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - endpoints: TCP ports (0: the system chooses) and Unix sockets. With several loops each of them listens
    ///     on every TCP port, and the first one on every Unix socket.
    ///   - loopCount: How many loops, each with its thread; at least 1.
    ///   - configuration: Limits, times and the look of errors.
    ///   - responder: Called on the loops.
    /// - Returns: The server, which accepts connections already.
    /// - Throws: ``UVError`` when an address cannot be bound, `EADDRINUSE` if another server has it; then nothing
    ///   is left running.
    package static func start(
        _ endpoints: [Endpoint],
        loopCount: Int = 1,
        configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        responder: any HTTPResponder
    ) async throws(UVError) -> HTTPServer {
        let counters = ServerCounters()
        var loops: [EventLoop] = []
        var servers: [LoopServer] = []
        var bound = endpoints
        do throws(UVError) {
            for index in 0..<max(1, loopCount) {
                let loop = try EventLoop(name: "http-\(index)")
                loops.append(loop)
                let server = LoopServer(
                    eventLoop: loop,
                    responder: responder,
                    configuration: configuration,
                    counters: counters
                )
                servers.append(server)
                let sharing: Listener.PortSharing = loopCount > 1 ? (index == 0 ? .begins : .joins) : .none
                for place in bound.indices {
                    if index > 0, case .unix = bound[place] { continue }
                    bound[place] = try await server.listen(bound[place], sharing: sharing)
                }
            }
        } catch {
            for server in servers { await server.stop(within: .zero) }
            for loop in loops { _ = await loop.close() }
            throw error
        }
        return HTTPServer(endpoints: bound, counters: counters, loops: loops, servers: servers)
    }

    /// Ends the server: closes the listeners and idle connections, lets requests in flight be answered for
    /// `drain`, then cancels them, and ends the loops.
    ///
    /// - Parameter drain: How long to wait for answers.
    /// - Returns: For each loop whether everything on it was closed.
    @discardableResult
    package func stop(drain: Duration) async -> [LoopCloseReport] {
        await withTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { await server.stop(within: drain) } }
        }
        var reports: [LoopCloseReport] = []
        for loop in loops { reports.append(await loop.close()) }
        return reports
    }
}
