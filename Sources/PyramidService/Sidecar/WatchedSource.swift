// SPDX-License-Identifier: Apache-2.0

/// A source whose progress is shown and told: how many of its bytes have come.
final class WatchedSource: ByteSource {
    private let source: any ByteSource
    private let progress: UploadProgress
    private let log: UploadLog

    init(_ source: any ByteSource, _ progress: UploadProgress, _ log: UploadLog) {
        self.source = source
        self.progress = progress
        self.log = log
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        let count = try await source.read(into: buffer)
        progress.update { $0.receivedBytes += count }
        log.received(progress.current)
        return count
    }
}
