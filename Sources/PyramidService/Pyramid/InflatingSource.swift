// SPDX-License-Identifier: Apache-2.0
package import ChunkCodecs
package import Configuration
import Synchronization
package import Workers

/// The plain bytes of a compressed source, inflated on a lane, within limits.
package final class InflatingSource: ByteSource {
    /// Compressed bytes that are held at a time, at most.
    package static let inputByteCount = PackedReader.mostPieces * PackedReader.pieceByteCount
    /// Output up to this size is inflated where it is asked for, if what there is to inflate is not more either: a lane is
    /// some microseconds away, and empty members are work that makes nothing.
    private static let inlineByteCount = 64 << 10
    /// The ratio says nothing about so little.
    private static let ratioFreeByteCount = 1 << 20

    private let packed: PackedReader
    private let pool: WorkerPool
    private let limits: Configuration.Limits
    private let inflater: LaneInflater
    /// Whether the inflater may hold bytes that it had no room for.
    private var hasMore = false
    private var hasEnded = false
    private(set) var plainBytes = 0
    /// Compressed bytes that the inflater has begun.
    var packedBytes: Int { packed.pieces.begunBytes }

    /// - Throws: `InflateError` or ``ServiceError`` when there is no memory.
    package init(
        _ packed: any ByteSource,
        _ coding: BodyCoding,
        pool: WorkerPool,
        buffers: BufferPool,
        limits: Configuration.Limits
    ) throws {
        self.pool = pool
        self.limits = limits
        inflater = try LaneInflater(coding)
        self.packed = try PackedReader(packed, buffers)
    }

    /// Reads the compressed source ahead while `work` runs, so that it arrives while lanes inflate.
    ///
    /// Nothing is read ahead where there is no actor that reader and caller could share.
    package func readingAhead<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async throws -> Result {
        try await packed.readingAhead(work)
    }

    /// - Throws: `InflateError` for a broken stream, ``ServiceError/overLimit(limit:_:)`` the moment a limit is passed.
    package func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        var filled = 0
        while filled < buffer.count, !hasEnded {
            if !hasMore, try await !packed.awaitPiece() {
                try inflater.finish()
                hasEnded = true
                break
            }
            let step = try await inflate(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            packed.roomWasMade()
            hasMore = step.hasMore
            filled += step.produced
            plainBytes += step.produced
            try checkLimits()
        }
        return filled
    }

    private func inflate(into output: UnsafeMutableRawBufferPointer) async throws -> InflateStep {
        let pieces = packed.pieces
        let hasMore = hasMore
        let lent = Lent(output)
        if output.count <= Self.inlineByteCount, pieces.waitingBytes <= Self.inlineByteCount {
            return try inflater.inflate(pieces, hasMore: hasMore, into: lent)
        }
        return try await pool.run { [inflater] in
            try inflater.inflate(pieces, hasMore: hasMore, into: lent)
        }
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

/// What a lane did at a time.
private struct InflateStep: Sendable {
    var produced: Int
    /// Whether the inflater may hold bytes that it had no room for.
    var hasMore: Bool
}

/// An inflater that moves from lane to lane; the lock is never waited for, because its user awaits each call.
private final class LaneInflater: Sendable {
    private let inflater: Mutex<BodyInflater>

    init(_ coding: BodyCoding) throws(InflateError) { inflater = Mutex(try BodyInflater(coding)) }

    /// Inflates pieces, those that arrive meanwhile as well, until `output` is full or no piece is there.
    ///
    /// Ends in any case after as many pieces as can wait: members without content fill no output, and others want
    /// the lane too.
    func inflate(_ pieces: PackedPieces, hasMore: Bool, into output: Lent) throws -> InflateStep {
        try inflater.withLock { inflater in
            var step = InflateStep(produced: 0, hasMore: hasMore)
            var left = PackedReader.mostPieces
            while left > 0, step.produced < output.memory.count {
                let input = pieces.first()
                guard input != nil || step.hasMore else { break }
                let progress = try inflater.inflate(
                    UnsafeRawBufferPointer(
                        input?.memory ?? UnsafeMutableRawBufferPointer(start: nil, count: 0)
                    ),
                    into: UnsafeMutableRawBufferPointer(rebasing: output.memory[step.produced...])
                )
                if pieces.consume(progress.consumed) { left -= 1 }
                step.produced += progress.produced
                step.hasMore = progress.state == .outputFull
            }
            return step
        }
    }

    func finish() throws { try inflater.withLock { try $0.finish() } }
}
