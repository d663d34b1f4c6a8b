// SPDX-License-Identifier: Apache-2.0
import Logging

/// Tells the log of one upload: its begin, how it gets on, its end.
final class UploadLog {
    private let logger: Logger
    private let metadata: Logger.Metadata
    private let began: ContinuousClock.Instant
    private let now: () -> ContinuousClock.Instant
    private var pace: ProgressPace

    /// Begins to count the time.
    /// - Parameters:
    ///   - logger: Where the lines go, at level info.
    ///   - volume: Its name.
    ///   - id: Of the request.
    ///   - now: The clock.
    init(
        _ logger: Logger,
        volume: String,
        id: String,
        now: @escaping () -> ContinuousClock.Instant = { .now }
    ) {
        self.logger = logger
        self.now = now
        metadata = ["volume": "\(volume)", "id": "\(id)"]
        began = now()
        pace = ProgressPace(began: began)
    }

    /// The upload was let in; its first bytes are to be read.
    func begins(_ state: UploadProgress.State) {
        tell("upload begins", ["bytes": "\(state.expectedBytes ?? 0)", "levels": "\(state.levelCount)"])
    }

    /// Bytes have come: a line, if one is due.
    func received(_ state: UploadProgress.State) {
        let expected = state.expectedBytes ?? 0
        guard pace.isDue(state.receivedBytes, of: expected, at: now()) else { return }
        tell(
            "upload goes on",
            [
                "received": "\(state.receivedBytes)", "bytes": "\(expected)",
                "percent": "\(Int(100 * Double(state.receivedBytes) / Double(max(1, expected))))",
                "levels_finished": "\(state.finishedLevels)", "seconds": "\(seconds)",
            ]
        )
    }

    /// Every level is durable, and the volume is shown.
    func ends(_ state: UploadProgress.State) {
        tell(
            "uploaded",
            ["bytes": "\(state.receivedBytes)", "levels": "\(state.levelCount)", "seconds": "\(seconds)"]
        )
    }

    /// With one decimal.
    private var seconds: String {
        let tenths = Int(began.duration(to: now()) / .milliseconds(100))
        return "\(tenths / 10).\(tenths % 10)"
    }

    private func tell(_ message: Logger.Message, _ own: Logger.Metadata) {
        logger.info(message, metadata: metadata.merging(own) { $1 })
    }
}

/// When the next line about a long work is due: with every tenth of it, or half a minute after the last line, but never
/// within three seconds of it.
struct ProgressPace {
    static let least = Duration.seconds(3)
    static let most = Duration.seconds(30)

    private var lastTime: ContinuousClock.Instant
    private var lastTenth = 0

    init(began: ContinuousClock.Instant) { lastTime = began }

    /// Whether a line is due now; if so, it is taken for written. The end is no line of its own.
    mutating func isDue(_ done: Int, of total: Int, at time: ContinuousClock.Instant) -> Bool {
        guard done < total else { return false }
        let tenth = Int(10 * Double(done) / Double(total))
        let quiet = lastTime.duration(to: time)
        guard quiet >= Self.least, tenth > lastTenth || quiet >= Self.most else { return false }
        lastTime = time
        lastTenth = tenth
        return true
    }
}
