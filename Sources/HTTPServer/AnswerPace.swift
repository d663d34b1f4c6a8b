// SPDX-License-Identifier: Apache-2.0

/// How a client takes an answer that waits for it; all times in milliseconds.
struct AnswerPace {
    private var delivered: Int
    private var lastProgress: Int
    private var windowStart: Int
    private var windowDelivered: Int

    /// Begins with the bytes delivered so far.
    init(delivered: Int, now: Int) {
        self.delivered = delivered
        lastProgress = now
        windowStart = now
        windowDelivered = delivered
    }

    /// What the client has overrun: it took nothing for the stall limit, or less in a whole window than the rate asks
    /// for.
    mutating func overrun(
        delivered: Int,
        now: Int,
        times: LoopState.Times,
        bytesPerSecond: Int
    ) -> AnswerOverrun? {
        if delivered != self.delivered {
            self.delivered = delivered
            lastProgress = now
        }
        if now - lastProgress > times.writeStall + times.tick { return .stall }
        guard now - windowStart >= times.answerWindow, bytesPerSecond > 0 else { return nil }
        let expected = (now - windowStart).multipliedReportingOverflow(by: bytesPerSecond)
        if expected.overflow || delivered - windowDelivered < expected.partialValue / 1000 { return .rate }
        windowStart = now
        windowDelivered = delivered
        return nil
    }
}
