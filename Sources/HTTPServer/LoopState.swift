// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP1
import UV

/// What the connections of one loop share. Lives on the loop, inside its ``LoopServer``.
final class LoopState {
    /// Room that reads share when they have no better place to go.
    static let scratchBytes = 256 * 1024

    let eventLoop: EventLoop
    let responder: any HTTPResponder
    let configuration: HTTPServerConfiguration
    let counters: ServerCounters
    let times: Times
    /// Filled by a read and emptied before its callback returns.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: scratchBytes, alignment: 64)
    /// By identity, so that a connection finds itself.
    private(set) var connections: [ObjectIdentifier: Connection] = [:]
    /// Called once, when the last connection is gone and no request is with the responder.
    var emptied: [() -> Void] = []
    /// Called when a connection comes that finds no other, and when the last one has gone.
    var connectionsChanged: (() -> Void)?
    /// Tasks that run the responder; one may outlive its connection.
    var runningTasks = 0 {
        didSet { tellIfEmpty() }
    }
    private(set) var isStopping = false

    private var dateSecond = 0
    private var date: [UInt8] = []
    private var spare: [UInt8] = []

    /// The time limits in milliseconds of the loop's clock.
    struct Times {
        let head, idle, bodyGap, answer, writeStall, answerWindow, linger, tick: Int

        init(_ timeouts: HTTPServerTimeouts) {
            func milliseconds(_ duration: Duration) -> Int {
                let seconds = min(max(duration.components.seconds, 0), 1 << 32)
                return Int(seconds) * 1000
                    + Int(max(duration.components.attoseconds, 0) / 1_000_000_000_000_000)
            }
            head = milliseconds(timeouts.head)
            idle = milliseconds(timeouts.idle)
            bodyGap = milliseconds(timeouts.bodyGap)
            answer = milliseconds(timeouts.answer)
            writeStall = milliseconds(timeouts.writeStall)
            answerWindow = milliseconds(timeouts.answerWindow)
            linger = milliseconds(timeouts.linger)
            let shortest = min(head, idle, bodyGap, min(answer, writeStall, answerWindow, linger))
            tick = min(max(shortest / 4, 10), 125)
        }
    }

    init(
        eventLoop: EventLoop,
        responder: any HTTPResponder,
        configuration: HTTPServerConfiguration,
        counters: ServerCounters
    ) {
        self.eventLoop = eventLoop
        self.responder = responder
        self.configuration = configuration
        self.counters = counters
        times = Times(configuration.timeouts)
    }

    deinit { scratch.deallocate() }

    /// The loop's clock in milliseconds, as of the last tick: cheap, and late by a tick at most.
    private(set) var now = 0

    /// The time `limit` from now; never sooner, later by two ticks at most.
    func deadline(_ limit: Int) -> Int { now + limit + times.tick }

    /// Reads the clock.
    func refreshNow() {
        let (seconds, attoseconds) = eventLoop.now.components
        now = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }

    /// Closes or refuses what has passed its time.
    func tick() {
        refreshNow()
        for connection in Array(connections.values) { connection.checkTimes() }
    }

    func add(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = connection
        counters.connections.add(1)
        if connections.count == 1 { connectionsChanged?() }
    }

    func remove(_ connection: Connection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        counters.connections.subtract(1)
        if connections.isEmpty { connectionsChanged?() }
        tellIfEmpty()
    }

    var isEmpty: Bool { connections.isEmpty && runningTasks == 0 }

    private func tellIfEmpty() {
        if isEmpty { wake() }
    }

    /// Calls ``emptied`` whether it is true or not.
    func wake() {
        let waiting = emptied
        emptied = []
        for call in waiting { call() }
    }

    /// Idle connections close now, busy ones after their answer.
    func stop() {
        isStopping = true
        for connection in Array(connections.values) { connection.stop() }
    }

    /// Cancels every request and closes every connection.
    func giveUp() {
        for connection in Array(connections.values) { connection.giveUp() }
    }

    /// The value of `Date` now.
    func currentDate() -> [UInt8] {
        let second = time(nil)
        if second != dateSecond || date.isEmpty {
            dateSecond = second
            date = HTTPDate.bytes(unixSeconds: second)
        }
        return date
    }

    /// An empty buffer for a head; give it back with ``giveBack(_:)``.
    func takeBuffer() -> [UInt8] {
        let buffer = spare
        spare = []
        return buffer
    }

    /// Takes a buffer's memory for the next head.
    func giveBack(_ buffer: inout [UInt8]) {
        guard buffer.capacity <= 64 * 1024 else { return }
        // Swapped, not copied: shared memory would be left behind by the removal.
        swap(&spare, &buffer)
        spare.removeAll(keepingCapacity: true)
    }
}
