// SPDX-License-Identifier: Apache-2.0
import Configuration
import Glibc
import Logging
import Synchronization
import Testing

@testable import PyramidService

/// A clock that stands until it is told to go on.
private final class StoppedClock {
    private(set) var time = ContinuousClock.now

    func go(_ seconds: Double) { time += .seconds(seconds) }
}

@Test("A line comes with every tenth, after half a minute, and never within three seconds of the last")
func progressPace() {
    let clock = StoppedClock()
    var pace = ProgressPace(began: clock.time)
    func isDue(after seconds: Double, _ done: Int, of total: Int = 100) -> Bool {
        clock.go(seconds)
        return pace.isDue(done, of: total, at: clock.time)
    }
    let early = isDue(after: 2, 50)
    let first = isDue(after: 1, 50)
    #expect(!early && first)
    let sameTenth = isDue(after: 3, 59)
    let nextTenth = isDue(after: 0, 60)
    #expect(!sameTenth && nextTenth)
    let slow = isDue(after: 29, 61)
    let slower = isDue(after: 1, 61)
    #expect(!slow && slower)
    let end = isDue(after: 60, 100)
    let nothing = isDue(after: 60, 0, of: 0)
    #expect(!end && !nothing)
}

@Test("The log of an upload has its begin, some lines between, and its end with bytes, levels and seconds")
func uploadLines() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { _ = close(end) } }
    let sink = LogSink(descriptor: ends[1])
    let logger = Logger(label: "test") { _ in LineLogHandler(Configuration.Log(), sink: sink) }
    let clock = StoppedClock()
    let log = UploadLog(logger, volume: "em", id: "7", now: { clock.time })
    let progress = UploadProgress()
    progress.begin(expectedBytes: 1000, levelCount: 4)
    log.begins(progress.current)
    for _ in 0..<1000 {
        progress.update { $0.receivedBytes += 1 }
        clock.go(0.1)
        log.received(progress.current)
    }
    progress.update { $0.finishedLevels = 4 }
    log.ends(progress.current)
    sink.flush()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(ends[0], &buffer, buffer.count)
    let lines = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
    #expect(lines.allSatisfy { $0.contains(" info ") && $0.contains("id=7") && $0.contains("volume=em") })
    #expect(lines.first?.contains("bytes=1000 id=7 levels=4") == true)
    #expect(lines.last?.contains("uploaded bytes=1000 id=7 levels=4 seconds=100.0") == true)
    // 100 seconds: each tenth comes after ten of them, and the last is the end.
    #expect(lines.count == 2 + 9)
    #expect(lines[1].contains("percent=10 received=100 seconds=10.0"))
}
