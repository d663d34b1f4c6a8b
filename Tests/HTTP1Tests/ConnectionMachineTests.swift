// SPDX-License-Identifier: Apache-2.0

import HTTP1
import HTTPTypes
import Testing

@Suite("Connection")
struct ConnectionMachineTests {
    private func head(
        keepAlive: Bool = true,
        expectsContinue: Bool = false,
        framing: BodyFraming = .none
    ) -> RequestHead {
        RequestHead(
            method: .post,
            target: RequestTarget(form: .origin, path: "/", query: nil),
            minorVersion: 1,
            fields: [:],
            host: "a",
            framing: framing,
            expectsContinue: expectsContinue,
            keepAlive: keepAlive
        )
    }

    private func serving(
        _ head: RequestHead,
        limits: ConnectionMachine.Limits = .init()
    ) -> ConnectionMachine {
        var machine = ConnectionMachine(limits: limits)
        machine.headReceived(head)
        return machine
    }

    /// Answers a request with a known length; returns whether the connection may persist, and what then.
    private func answer(
        _ machine: inout ConnectionMachine,
        remainingBody: Int? = 0
    ) -> (keepAlive: Bool, action: ConnectionMachine.Action) {
        let keepAlive = machine.answerBegins(.length(1), wantsClose: false, remainingBody: remainingBody)
        return (keepAlive, machine.answerEnded())
    }

    @Test("A complete request is answered, then the next one is read")
    func keepAlive() {
        var machine = serving(head())
        #expect(machine.requestEnded() == .nothing)
        #expect(answer(&machine) == (true, .readNextRequest))
        #expect(machine.isAwaitingRequest)
    }

    @Test("A client that says close gets a close in stages")
    func clientCloses() {
        var machine = serving(head(keepAlive: false))
        #expect(machine.requestEnded() == .nothing)
        #expect(answer(&machine) == (false, .closeInStages))
    }

    @Test("A service that asks to close, and a close-delimited answer, close")
    func serviceCloses() {
        var machine = serving(head())
        _ = machine.requestEnded()
        #expect(machine.answerBegins(.length(1), wantsClose: true, remainingBody: 0) == false)
        machine = serving(head())
        _ = machine.requestEnded()
        #expect(machine.answerBegins(.untilClose, wantsClose: false, remainingBody: 0) == false)
        #expect(machine.answerEnded() == .closeInStages)
    }

    @Test("The last request that a connection may make is answered with close")
    func requestLimit() {
        var limits = ConnectionMachine.Limits()
        limits.requests = 2
        var machine = serving(head(), limits: limits)
        _ = machine.requestEnded()
        #expect(answer(&machine) == (true, .readNextRequest))
        machine.headReceived(head())
        _ = machine.requestEnded()
        #expect(answer(&machine) == (false, .closeInStages))
    }

    @Test("100 Continue is sent once, and only when the body is wanted")
    func continueOnce() {
        var machine = serving(head(expectsContinue: true, framing: .length(5)))
        #expect(machine.bodyWanted() == true)
        #expect(machine.bodyWanted() == false)
    }

    @Test("100 Continue is left out when the body has begun to come or the answer has begun")
    func continueLeftOut() {
        var machine = serving(head(expectsContinue: true, framing: .length(5)))
        machine.bodyArrived()
        #expect(machine.bodyWanted() == false)
        machine = serving(head(expectsContinue: true, framing: .length(5)))
        _ = machine.answerBegins(.length(1), wantsClose: false, remainingBody: 5)
        #expect(machine.bodyWanted() == false)
        machine = serving(head(framing: .length(5)))
        #expect(machine.bodyWanted() == false)
    }

    @Test("A final answer in place of 100 Continue closes")
    func finalInsteadOfContinue() {
        var machine = serving(head(expectsContinue: true, framing: .length(5)))
        #expect(answer(&machine, remainingBody: 5) == (false, .closeInStages))
    }

    @Test("Behind an early answer a short rest of the body is read over, then the next request is read")
    func earlyAnswerDrains() {
        var machine = serving(head(framing: .length(500)))
        #expect(answer(&machine, remainingBody: 500) == (true, .discardBody))
        #expect(machine.bodyDiscarded(500) == .nothing)
        #expect(machine.requestEnded() == .readNextRequest)
    }

    @Test("Behind an early answer a long rest of the body closes")
    func earlyAnswerCloses() {
        var machine = serving(head(framing: .length(1 << 30)))
        #expect(answer(&machine, remainingBody: 1 << 30) == (false, .closeInStages))
    }

    @Test("Behind an early answer a rest of unknown length closes, and the answer says so")
    func unknownRest() {
        var machine = serving(head(framing: .chunked))
        #expect(answer(&machine, remainingBody: nil) == (false, .closeInStages))
        machine = serving(head(framing: .chunked))
        #expect(machine.requestEnded() == .nothing)
        #expect(answer(&machine, remainingBody: nil) == (true, .readNextRequest))
    }

    @Test("A rest that turns out longer than it was said to be closes in stages")
    func longChunkedRest() {
        var machine = serving(head(framing: .chunked))
        #expect(answer(&machine) == (true, .discardBody))
        #expect(machine.bodyDiscarded(200_000) == .nothing)
        #expect(machine.bodyDiscarded(200_000) == .closeInStages)
        #expect(machine.requestEnded() == .nothing)
    }

    @Test("A body that breaks fails the service's read, and whatever it answers closes")
    func brokenBody() {
        var machine = serving(head(framing: .chunked))
        #expect(machine.failed(.malformedChunk("x")) == .failBody(.malformedChunk("x")))
        #expect(answer(&machine) == (false, .closeInStages))
        machine = serving(head(framing: .chunked))
        #expect(machine.answerBegins(.chunked, wantsClose: false, remainingBody: 0) == true)
        _ = machine.failed(.malformedChunk("x"))
        #expect(machine.answerEnded() == .closeInStages)
    }

    @Test("A broken head is answered and then closed in stages; nothing behind it is read")
    func brokenHead() {
        var machine = ConnectionMachine()
        #expect(machine.failed(.missingHost) == .answer(.missingHost))
        #expect(machine.errorAnswered() == .closeInStages)
        #expect(machine.failed(.missingHost) == .nothing)
        #expect(!machine.isAwaitingRequest)
    }

    @Test("FIN behind a complete request: it is answered, then closed")
    func halfClose() {
        var machine = serving(head())
        _ = machine.requestEnded()
        #expect(machine.peerEnded() == .nothing)
        #expect(answer(&machine) == (true, .readNextRequest))
        #expect(machine.peerEnded() == .close)
    }

    @Test("Pipelined requests that came before a FIN are all answered")
    func halfClosePipelined() {
        var machine = serving(head())
        _ = machine.requestEnded()
        _ = machine.peerEnded()
        _ = answer(&machine)
        machine.headReceived(head())
        _ = machine.requestEnded()
        #expect(answer(&machine) == (true, .readNextRequest))
        #expect(machine.peerEnded() == .close)
    }

    @Test("FIN inside a body cancels; FIN inside a head or between requests closes quietly")
    func finInside() {
        var machine = serving(head(framing: .length(5)))
        #expect(machine.peerEnded() == .cancelAndClose)
        machine = ConnectionMachine()
        #expect(machine.peerEnded() == .close)
        machine = serving(head(framing: .length(5)))
        _ = answer(&machine, remainingBody: 5)
        #expect(machine.peerEnded() == .close)
    }

    @Test("A FIN whose request turns out incomplete in the buffer cancels")
    func finBehindPipelinedPart() {
        var machine = serving(head())
        _ = machine.requestEnded()
        _ = machine.peerEnded()
        _ = answer(&machine)
        machine.headReceived(head(framing: .length(5)))
        #expect(machine.peerEnded() == .cancelAndClose)
    }

    @Test("A reset cancels what is being served, even behind a complete request")
    func reset() {
        var machine = serving(head())
        _ = machine.requestEnded()
        #expect(machine.peerVanished() == .cancelAndClose)
        #expect(machine.peerVanished() == .nothing)
    }

    @Test("An aborted answer closes at once")
    func abort() {
        var machine = serving(head())
        _ = machine.answerBegins(.chunked, wantsClose: false, remainingBody: 0)
        #expect(machine.answerAborted() == .close)
        #expect(machine.answerEnded() == .nothing)
    }

    @Test("A slow head is 408, an idle connection closes quietly, a busy one is left alone")
    func headTimeout() {
        var machine = ConnectionMachine()
        let error = ProtocolError.headTooSlow(limit: .seconds(10))
        #expect(machine.headTimedOut(isInsideHead: true, limit: .seconds(10)) == .answer(error))
        #expect(error.statusHint == 408)
        machine = ConnectionMachine()
        #expect(machine.headTimedOut(isInsideHead: false, limit: .seconds(10)) == .close)
        machine = serving(head())
        #expect(machine.headTimedOut(isInsideHead: false, limit: .seconds(10)) == .nothing)
    }

    @Test("Stopping closes idle connections; busy ones answer with close first")
    func stopping() {
        var machine = ConnectionMachine()
        #expect(machine.stop(isInsideHead: false) == .close)
        machine = serving(head())
        _ = machine.requestEnded()
        #expect(machine.stop(isInsideHead: false) == .nothing)
        #expect(answer(&machine) == (false, .closeInStages))
        machine = ConnectionMachine()
        #expect(machine.stop(isInsideHead: true) == .nothing)
        machine.headReceived(head())
        _ = machine.requestEnded()
        #expect(answer(&machine) == (false, .closeInStages))
    }

    @Test("Stopping behind an answer that promised to persist closes in stages")
    func stoppingLate() {
        var machine = serving(head())
        _ = machine.requestEnded()
        #expect(machine.answerBegins(.length(1), wantsClose: false, remainingBody: 0) == true)
        _ = machine.stop(isInsideHead: false)
        #expect(machine.answerEnded() == .closeInStages)
    }
}
