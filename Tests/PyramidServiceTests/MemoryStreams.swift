// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import PyramidService
import UV
import Voxels
import Workers

/// Bytes in memory as a source.
final class MemorySource: ByteSource {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        let count = min(buffer.count, rest.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
    }
}

final class MemorySink: ByteSink {
    private(set) var bytes: [UInt8] = []
    private(set) var writes = 0

    func write(_ pieces: [UnsafeRawBufferPointer]) async throws {
        writes += 1
        for piece in pieces { bytes += piece }
    }
}

/// What pipelines share in these tests.
struct Workshop {
    let pool = WorkerPool(lanes: 2, queueLimit: 64)
    let buffers = BufferPool(keptBytes: 8 << 20)

    func pipeline(
        _ plan: PyramidPlan,
        _ place: ReductionPlace = .lanes,
        isBigEndian: Bool = false,
        flag: CancellationFlag = .init()
    ) throws -> SlabPipeline {
        SlabPipeline(
            engine: try PyramidEngine(plan, slabsInFlight: SlabPipeline.ring(plan, place, lanes: pool.lanes)),
            place: place,
            isBigEndian: isBigEndian,
            cancellation: flag,
            pool: pool,
            buffers: buffers
        )
    }

    func inflating(_ bytes: [UInt8], _ coding: BodyCoding = .gzip, limits: Configuration.Limits = .init())
        throws
        -> InflatingSource
    {
        try inflating(MemorySource(bytes), coding, limits: limits)
    }

    func inflating(
        _ source: any ByteSource,
        _ coding: BodyCoding = .gzip,
        limits: Configuration.Limits = .init()
    )
        throws
        -> InflatingSource
    {
        try InflatingSource(source, coding, pool: pool, buffers: buffers, limits: limits)
    }
}

/// Noise of ten values; what it is does not matter, only that places differ.
func randomBytes(_ count: Int) -> [UInt8] {
    var state = UInt64.random(in: 1 ... .max)
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 32) % 10
    }
}

/// Reads a source to its end in pieces of `step` bytes.
func readAll(_ source: any ByteSource, step: Int) async throws -> [UInt8] {
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: step, alignment: 64)
    defer { piece.deallocate() }
    var bytes: [UInt8] = []
    while true {
        let count = try await source.read(into: piece)
        bytes += piece[..<count]
        if count < step { return bytes }
    }
}
