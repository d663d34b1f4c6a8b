// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
package import Workers

/// Compresses an answer in blocks on lanes, in order, as one gzip member.
package final class GzipSink: ByteSink {
    /// A block that is compressed where it is.
    private static let inlineByteCount = 16 << 10

    private let sink: any ByteSink
    private let pool: WorkerPool
    private let early: EarlyPacking?
    private let encoder = GzipBlockEncoder()
    private var member = GzipMember()
    private var hasBegun = false
    private(set) var packedBytes = 0

    /// `early` may have made blocks of what will be written.
    package init(_ sink: any ByteSink, pool: WorkerPool, early: EarlyPacking? = nil) {
        self.sink = sink
        self.early = early
        self.pool = pool
    }

    /// Bytes of the answer before compression.
    var plainBytes: Int { member.inputCount }

    package func write(_ pieces: [UnsafeRawBufferPointer]) async throws {
        var due: [UnsafeRawBufferPointer] = []
        for block in pieces.flatMap(Self.blocks) {
            guard let early = early?.take(block) else {
                due.append(block)
                continue
            }
            try await compress(due)
            due = []
            try await append(early)
        }
        try await compress(due)
    }

    private func compress(_ blocks: [UnsafeRawBufferPointer]) async throws {
        if blocks.allSatisfy({ $0.count <= Self.inlineByteCount }), blocks.count <= 4 {
            for block in blocks { try await append(encoder.compress(block, isLast: false)) }
            return
        }
        try await inOrder(blocks.count, width: pool.lanes + 1, on: pool) { [encoder] index in
            let block = Lent(reading: blocks[index])
            return { encoder.compress(UnsafeRawBufferPointer(block.memory), isLast: false) }
        } take: { _, block in
            try await append(block)
        }
    }

    /// Ends the member; nothing may be written behind it.
    package func finish() async throws {
        try await append(encoder.compress(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true))
        try await send(member.trailer)
    }

    private static func blocks(_ piece: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        stride(from: 0, to: piece.count, by: GzipBlockEncoder.blockByteCount).map { start in
            let end = min(piece.count, start + GzipBlockEncoder.blockByteCount)
            return UnsafeRawBufferPointer(rebasing: piece[start..<end])
        }
    }

    private func append(_ block: CompressedBlock) async throws {
        member.append(block)
        let header = hasBegun ? [] : GzipMember.header
        hasBegun = true
        try await send(header + block.bytes)
    }

    private func send(_ bytes: [UInt8]) async throws {
        packedBytes += bytes.count
        let pinned = PinnedBytes(bytes)
        try await sink.write([pinned.memory])
        withExtendedLifetime(pinned) {}
    }
}
