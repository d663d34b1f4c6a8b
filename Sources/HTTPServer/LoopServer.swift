// SPDX-License-Identifier: Apache-2.0

import HTTP1
import UV

/// The part of a server that lives on one loop: its listeners and connections.
actor LoopServer {
    /// Connections over a limit that may be told so at the same time; further ones are just closed.
    private static let refusalsAtOnce = 64

    nonisolated let eventLoop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.asUnownedSerialExecutor() }

    private let state: LoopState
    private var listeners: [Listener] = []
    private var ticker: LoopTimer?
    private var refusals = 0

    init(
        eventLoop: EventLoop,
        responder: any HTTPResponder,
        configuration: HTTPServerConfiguration,
        counters: ServerCounters
    ) {
        self.eventLoop = eventLoop
        state = LoopState(
            eventLoop: eventLoop,
            responder: responder,
            configuration: configuration,
            counters: counters
        )
    }

    /// Listens; returns what it is bound to.
    func listen(_ endpoint: Endpoint, sharing: Listener.PortSharing) throws(UVError) -> Endpoint {
        if ticker == nil { try makeTicker() }
        var options = Listener.Options()
        options.portSharing = sharing
        let listener = try Listener(loop: eventLoop, endpoint: endpoint, options: options) {
            self.accepted($0)
        }
        listeners.append(listener)
        return listener.endpoint
    }

    /// Ticks only while there are connections, so that an idle server sleeps.
    private func makeTicker() throws(UVError) {
        let state = state
        let ticker = try LoopTimer(loop: eventLoop) { state.tick() }
        state.connectionsChanged = { [unowned state] in
            guard !state.connections.isEmpty else { return ticker.stop() }
            let tick = Duration.milliseconds(state.times.tick)
            ticker.start(after: tick, repeatingEvery: tick)
        }
        self.ticker = ticker
    }

    private func accepted(_ stream: ByteStream) {
        let counters = state.counters
        let limits = state.configuration.limits
        counters.accepted.add(1)
        let address = stream.peer.host
        guard counters.connections.value < limits.connections else {
            return refuse(stream, address, .tooManyConnections(limit: limits.connections))
        }
        let isCounted = address != "unix"
        guard !isCounted || counters.admit(address, limit: limits.connectionsPerAddress) else {
            return refuse(stream, address, .tooManyFromAddress(limit: limits.connectionsPerAddress))
        }
        Connection(state: state, stream: stream, address: address, isCounted: isCounted).open(on: self)
    }

    private func refuse(_ stream: ByteStream, _ address: String, _ error: ProtocolError) {
        state.counters.refused.add(1)
        guard refusals < Self.refusalsAtOnce else { return stream.close() }
        refusals += 1
        let connection = Connection(state: state, stream: stream, address: address, isCounted: false)
        // First: a client that has gone closes the connection before `refuse` returns.
        connection.whenClosed = { self.refusals -= 1 }
        connection.open(on: self)
        connection.refuse(error)
    }

    // MARK: The end

    /// Accepts no more, closes idle connections, and lets busy ones answer until `deadline`; then cancels them.
    func stop(within drain: Duration) async {
        for listener in listeners { await listener.closed() }
        listeners = []
        state.stop()
        await emptied(within: drain)
        state.giveUp()
        await emptied(within: .seconds(5))
        state.connectionsChanged = nil
        await ticker?.closed()
        ticker = nil
    }

    /// Returns when nothing is left on the loop, or the time is over.
    private func emptied(within limit: Duration) async {
        guard !state.isEmpty, let timer = try? LoopTimer(loop: eventLoop, fired: { [state] in state.wake() })
        else { return }
        timer.start(after: limit)
        await withCheckedContinuation { continuation in state.emptied.append { continuation.resume() } }
        await timer.closed()
    }
}
