// SPDX-License-Identifier: Apache-2.0
import FuzzSupport
import HTTP1

/// A connection whose service is driven by the input: it reads its bodies whole, in part or not at all, answers in
/// every framing, gives up, and is stopped. The client ends behind the last byte.
struct Conversation {
    private let stream: UnsafeRawBufferPointer
    private var generator: InputGenerator
    private var parser: RequestParser
    private var machine: ConnectionMachine
    private let limits: ConnectionMachine.Limits
    private var position = 0
    private var heads = 0
    private var answers = 0
    private var steps = 0

    init(_ stream: UnsafeRawBufferPointer, limits http1: HTTP1Limits) {
        self.stream = stream
        generator = InputGenerator(stream)
        parser = RequestParser(limits: http1)
        var limits = ConnectionMachine.Limits()
        limits.requests = 3
        limits.discardBytes = 16
        self.limits = limits
        machine = ConnectionMachine(limits: limits)
    }

    mutating func run() {
        while machine.wantsInput {
            steps += 1
            require(steps <= 8 * stream.count + 64, "a conversation without end")
            if generator.next(below: 32) == 0 { follow(machine.stop(isInsideHead: parser.isInsideHead)) }
            guard machine.wantsInput else { break }
            if generator.next(below: 64) == 0 {
                follow(machine.headTimedOut(isInsideHead: true, limit: .seconds(1)))
            }
            guard machine.isAwaitingRequest else { continue }
            switch parser.next(in: stream, at: &position) {
            case .head(let head):
                heads += 1
                machine.headReceived(head)
                require(heads <= limits.requests, "more requests than the limit")
                serve(head)
            case .needMore: follow(machine.peerEnded())
            case .failed(let error): follow(machine.failed(error))
            case .body, .end: require(false, "a body without a request")
            }
        }
        require(!machine.isServing, "the client has left, and a request is still served")
        require(answers <= heads + 1, "\(answers) answers to \(heads) requests")
    }

    private mutating func serve(_ head: RequestHead) {
        let wanted = machine.bodyWanted()
        require(wanted == head.expectsContinue, "100 Continue")
        require(!machine.bodyWanted(), "100 Continue twice")
        var pieces = [0, 1, .max][generator.next(below: 3)]
        while pieces > 0, machine.isBodyArriving {
            pieces -= 1
            switch parser.next(in: stream, at: &position, bodyLimit: 7) {
            case .body: machine.bodyArrived()
            case .end: expect(machine.requestEnded(), .nothing)
            case .needMore: return follow(machine.peerEnded())
            case .failed(let error):
                expect(machine.failed(error), .failBody(error))
                pieces = 0
            case .head: require(false, "a head inside a body")
            }
        }
        switch generator.next(below: 16) {
        case 0: return follow(machine.answerAborted())
        case 1: return follow(machine.peerVanished())
        default: break
        }
        let framing = [AnswerFraming.length(5), .chunked, .bodiless, .untilClose][generator.next(below: 4)]
        let isWhole = !machine.isBodyArriving
        let wantsClose = generator.next(below: 8) == 0
        let keepAlive = machine.answerBegins(
            framing,
            wantsClose: wantsClose,
            remainingBody: parser.directBodyBytes
        )
        require(
            !keepAlive || (head.keepAlive && !wantsClose && framing != .untilClose),
            "kept alive against a wish"
        )
        answers += 1
        let action = machine.answerEnded()
        if !keepAlive || isWhole { require(action != .discardBody, "nothing to discard") }
        if !keepAlive { require(action != .readNextRequest, "another request behind `close`") }
        follow(action)
    }

    private mutating func discard() {
        var discarded = 0
        while machine.isDiscarding {
            switch parser.next(in: stream, at: &position, bodyLimit: 5) {
            case .body(let range):
                discarded += range.count
                let action = machine.bodyDiscarded(range.count)
                require((action == .nothing) == (discarded <= limits.discardBytes), "discarded \(discarded)")
                follow(action)
            case .end: follow(machine.requestEnded())
            case .needMore: follow(machine.peerEnded())
            case .failed(let error): follow(machine.failed(error))
            case .head: require(false, "a head inside a body")
            }
        }
    }

    private func expect(_ action: ConnectionMachine.Action, _ expected: ConnectionMachine.Action) {
        require(action == expected, "\(action) instead of \(expected)")
    }

    /// Does what the machine says, and checks that its state agrees.
    private mutating func follow(_ action: ConnectionMachine.Action) {
        switch action {
        case .nothing: break
        case .readNextRequest: require(machine.isAwaitingRequest, "the machine does not await a request")
        case .discardBody:
            require(machine.isDiscarding, "the machine does not discard")
            discard()
        case .answer:
            answers += 1
            expect(machine.errorAnswered(), .closeInStages)
            expect(machine.peerEnded(), .close)
        case .closeInStages:
            require(!machine.wantsInput && !machine.isServing, "a closing connection that goes on")
            expect(machine.peerEnded(), .close)
        case .cancelAndClose, .close:
            require(!machine.wantsInput && !machine.isServing, "a closed connection that goes on")
            expect(machine.peerVanished(), .nothing)
            expect(machine.answerEnded(), .nothing)
        case .failBody: require(false, "no body to fail")
        }
    }
}
