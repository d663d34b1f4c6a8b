// SPDX-License-Identifier: Apache-2.0
package import ChunkCodecs
package import Configuration
import Synchronization
package import Workers

/// The plain bytes of a compressed source, inflated on a lane, within limits.
package final class InflatingSource: ByteSource {
    /// Compressed bytes that are held at a time.
    package static let inputByteCount = 128 << 10
    /// Output up to this size is inflated where it is asked for: a lane is some microseconds away.
    private static let inlineByteCount = 64 << 10
    /// The ratio says nothing about so little.
    private static let ratioFreeByteCount = 1 << 20

    private let packed: any ByteSource
    private let pool: WorkerPool
    private let limits: Configuration.Limits
    private let inflater: LaneInflater
    private let input: PooledBuffer
    /// What of `input` is not yet inflated.
    private var pending = 0..<0
    /// Whether the inflater may hold bytes that it had no room for.
    private var hasMore = false
    private var hasEnded = false
    private(set) var packedBytes = 0
    private(set) var plainBytes = 0

    /// - Throws: `InflateError` or ``ServiceError`` when there is no memory.
    package init(
        _ packed: any ByteSource,
        _ coding: BodyCoding,
        pool: WorkerPool,
        buffers: BufferPool,
        limits: Configuration.Limits
    ) throws {
        self.packed = packed
        self.pool = pool
        self.limits = limits
        inflater = try LaneInflater(coding)
        input = try buffers.take(Self.inputByteCount)
    }

    /// - Throws: `InflateError` for a broken stream, ``ServiceError/overLimit(limit:_:)`` the moment a limit is passed.
    package func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        var filled = 0
        while filled < buffer.count, !hasEnded {
            if pending.isEmpty, !hasMore {
                pending = 0..<(try await packed.read(into: input.memory))
                packedBytes += pending.count
                if pending.isEmpty {
                    try inflater.finish()
                    hasEnded = true
                    break
                }
            }
            let progress = try await inflate(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            pending = (pending.lowerBound + progress.consumed)..<pending.upperBound
            hasMore = progress.state == .outputFull
            filled += progress.produced
            plainBytes += progress.produced
            try checkLimits()
        }
        return filled
    }

    private func inflate(into output: UnsafeMutableRawBufferPointer) async throws -> InflateProgress {
        let input = Lent(UnsafeMutableRawBufferPointer(rebasing: input.memory[pending]))
        if output.count <= Self.inlineByteCount {
            return try inflater.inflate(input, into: Lent(output))
        }
        let output = Lent(output)
        return try await pool.run { [inflater] in try inflater.inflate(input, into: output) }
    }

    private func checkLimits() throws(ServiceError) {
        guard plainBytes <= limits.inflatedBytes else {
            throw .overLimit(
                limit: "limits.inflated_bytes",
                "The body inflates to more than \(limits.inflatedBytes) bytes; send less at a time."
            )
        }
        guard plainBytes > Self.ratioFreeByteCount else { return }
        guard plainBytes / limits.inflationRatio <= packedBytes else {
            throw .overLimit(
                limit: "limits.inflation_ratio",
                "The body inflates to more than \(limits.inflationRatio) times its size; send it without compression."
            )
        }
    }
}

/// An inflater that moves from lane to lane; the lock is never waited for, because its user awaits each call.
private final class LaneInflater: Sendable {
    private let inflater: Mutex<BodyInflater>

    init(_ coding: BodyCoding) throws(InflateError) { inflater = Mutex(try BodyInflater(coding)) }

    func inflate(_ input: Lent, into output: Lent) throws -> InflateProgress {
        try inflater.withLock { try $0.inflate(UnsafeRawBufferPointer(input.memory), into: output.memory) }
    }

    func finish() throws { try inflater.withLock { try $0.finish() } }
}
