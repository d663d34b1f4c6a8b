// SPDX-License-Identifier: Apache-2.0

import HTTP1
import UV

/// How body bytes get from the client to the service: a waiting read is filled as they arrive.
extension Connection {
    private enum Filling {
        case done
        case waits
        case failed(BodyError)
    }

    /// Sends `100 Continue` if the client waits for it.
    func askForBody() {
        if inbox.count > 0 { machine.bodyArrived() }
        if machine.bodyWanted() { sendContinue() }
    }

    /// Fills `buffer` wholly unless the body ends first.
    func readBody(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        if let bodyFailure { throw bodyFailure }
        guard !isClosed else { throw .cancelled }
        guard machine.isBodyArriving, !buffer.isEmpty else { return 0 }
        precondition(pendingRead == nil, "two reads of one body at the same time")
        askForBody()
        var filled = 0
        switch fill(buffer, &filled) {
        case .done:
            readAhead()
            return filled
        case .failed(let error): throw error
        case .waits: break
        }
        resumeReading()
        if let bodyFailure { throw bodyFailure }
        let now = state.now
        let result = await withCheckedContinuation { continuation in
            pendingRead = PendingRead(
                buffer: buffer,
                filled: filled,
                now: now,
                continuation: continuation
            )
        }
        return try result.get()
    }

    /// Ends a waiting read as if its buffer ended here.
    func endRead() {
        if let read = pendingRead { finishRead(.success(read.filled)) }
    }

    private func sendContinue() {
        state.counters.bytesOut.add(AnswerHead.continueBytes.count)
        stream.write(AnswerHead.continueBytes) { [self] failure in
            if failure != nil { perform(machine.peerVanished()) }
        }
    }

    /// Bytes were read past the parser, into the waiting read's buffer.
    func receivedDirectly(_ count: Int) {
        parser.consumedDirectly(count)
        machine.bodyArrived()
        exchange?.bodyBytesReceived += count
        pendingRead?.filled += count
        pendingRead?.lastByte = state.now
        settleRead()
    }

    /// Gives the waiting read what the inbox has, and resumes it if it has all it wants.
    func settleRead() {
        guard let read = pendingRead else { return }
        var filled = read.filled
        switch fill(read.buffer, &filled) {
        case .done: finishRead(.success(filled))
        case .failed(let error): finishRead(.failure(error))
        case .waits:
            if filled > read.filled { read.lastByte = state.now }
            read.filled = filled
            resumeReading()
        }
    }

    func finishRead(_ result: Result<Int, BodyError>) {
        guard let read = pendingRead else { return }
        pendingRead = nil
        waitedForBody += state.now - read.since
        read.continuation.resume(returning: result)
    }

    func failRead(tooSlow reason: ProtocolError.Slowness) {
        _ = machine.failed(.bodyTooSlow(reason))
        bodyFailure = .tooSlow(reason)
        finishRead(.failure(.tooSlow(reason)))
    }

    /// Copies body bytes from the inbox; goes on over framing behind a full buffer, so that the end is seen at once.
    private func fill(_ buffer: UnsafeMutableRawBufferPointer, _ filled: inout Int) -> Filling {
        while machine.isBodyArriving {
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let event = inbox.parse { bytes, position in
                let event = parser.next(in: bytes, at: &position, bodyLimit: target.count)
                if case .body(let range) = event, !range.isEmpty {
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
                }
                return event
            }
            switch event {
            case .body(let range) where range.isEmpty: return .done
            case .body(let range):
                machine.bodyArrived()
                filled += range.count
                exchange?.bodyBytesReceived += range.count
            case .end: requestEnded()
            case .needMore where filled == buffer.count: return .done
            case .needMore where sawEnd:
                perform(machine.peerEnded())
                return .failed(.clientLeft)
            case .needMore: return .waits
            case .failed(let error):
                _ = machine.failed(error)
                bodyFailure = .protocolError(error)
                return .failed(.protocolError(error))
            case .head: return .done
            }
        }
        return bodyFailure.map(Filling.failed) ?? .done
    }
}
