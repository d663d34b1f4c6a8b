// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import PyramidService
import Testing
import UV
import Voxels
import Workers

/// A source that gives what it has, and then waits until its read is ended.
private final class StallingSource: ByteSource {
    private var rest: ArraySlice<UInt8>
    private var waiting: CheckedContinuation<Void, Never>?
    private(set) var endedReads = 0

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        let count = min(buffer.count, rest.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        if count < buffer.count { await withCheckedContinuation { waiting = $0 } }
        return count
    }

    func endRead() {
        guard let waiting else { return }
        self.waiting = nil
        endedReads += 1
        waiting.resume()
    }
}

private struct Gone: Error {}

private final class FailingSource: ByteSource {
    private let bytes: MemorySource

    init(_ bytes: [UInt8]) { self.bytes = MemorySource(bytes) }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        let count = try await bytes.read(into: buffer)
        guard count == buffer.count else { throw Gone() }
        return count
    }
}

private let sizes = [1024, 1024, 24]

/// Noise that repeats: making 24 MiB of it takes a debug build many seconds.
private func volume() -> [UInt8] {
    let slice = randomBytes(1 << 20)
    var bytes: [UInt8] = []
    for _ in 0..<24 { bytes += slice }
    return bytes
}

/// Apart from the expectation, which would look for the difference of megabytes.
private func same(_ left: [UInt8], _ right: [UInt8]) -> Bool { left == right }

private func plan(_ sizes: [Int] = sizes) throws -> PyramidPlan {
    let shape = try Shape(sizes)
    let factor = try Factor([2, 2, 1])
    return try PyramidPlan(
        PyramidSpec(type: .uint8, shape: shape, method: .stride, factor: factor, mips: .count(3))
    )
}

/// What a loop is in the service: an actor that reader and caller share.
@globalActor actor Desk { static let shared = Desk() }

@Desk
struct OverlapTests {
    private func run(_ packed: any ByteSource, _ workshop: Workshop) async throws -> [UInt8] {
        let pipeline = try workshop.pipeline(plan())
        let source = try workshop.inflating(packed)
        try await source.readingAhead { try await pipeline.run(source) { _ in } }
        return Array(pipeline.engine.level(1))
    }

    private func wanted(_ bytes: [UInt8]) async throws -> [UInt8] {
        let pipeline = try Workshop().pipeline(plan())
        try await pipeline.run(MemorySource(bytes)) { _ in }
        return Array(pipeline.engine.level(1))
    }

    @Test("A body read ahead makes the same levels, of one member and of many tiny ones")
    func readAhead() async throws {
        let bytes = volume()
        let want = try await wanted(bytes)
        let whole = try await run(MemorySource(GzipBlockEncoder().gzip(bytes)), Workshop())
        #expect(same(whole, want))
        var members: [UInt8] = []
        for begin in stride(from: 0, to: bytes.count, by: 65_536) {
            members += GzipBlockEncoder().gzip(Array(bytes[begin..<(begin + 65_536)]))
            for _ in 0..<20 { members += GzipBlockEncoder().gzip([]) }
        }
        let tiny = try await run(MemorySource(members), Workshop())
        #expect(same(tiny, want))
    }

    @Test(
        "A body that ends exactly at a piece's edge, or a byte beside it, comes out whole",
        arguments: -1...1
    )
    func edges(beside: Int) async throws {
        // Four stored blocks of 5 bytes more than they hold, and 18 bytes of header and trailer.
        let plain = randomBytes((256 << 10) + beside - 38)
        let body = plain.withUnsafeBytes { storedDeflate($0, isLast: true) }
        let trailer = [CRC32.update(0, plain), UInt32(plain.count)].flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
        }
        let packed = GzipMember.header + body + trailer
        try #require(packed.count == (256 << 10) + beside)
        let source = try Workshop().inflating(MemorySource(packed))
        let got = try await source.readingAhead { try await readAll(source, step: 100_000) }
        #expect(same(got, plain))
    }

    @Test("A block that is corrupt behind ten slabs is found while slabs are being reduced")
    func corrupt() async throws {
        var packed = GzipBlockEncoder().gzip(volume())
        packed[packed.count * 11 / 24] ^= 0xFF
        packed[packed.count * 11 / 24 + 1] ^= 0xFF
        await #expect(throws: InflateError.self) { try await run(MemorySource(packed), Workshop()) }
    }

    @Test("A corrupt body is refused though its reader still waits for the rest, and the read is ended")
    func corruptAndStalled() async throws {
        let good = volume().withUnsafeBytes { bytes in
            GzipBlockEncoder().compress(UnsafeRawBufferPointer(rebasing: bytes[..<(2 << 20)]), isLast: false)
        }
        // A block of type 3, which does not exist; its piece arrives, and a part of the next one.
        let packed = GzipMember.header + good.bytes + [0b110] + randomBytes(200_000)
        let source = StallingSource(packed)
        await #expect(throws: InflateError.self) { try await run(source, Workshop()) }
        #expect(source.endedReads <= 1)
    }

    @Test("What was read before a source failed is handed out first, then its own error")
    func failing() async throws {
        let bytes = volume()
        let source = try Workshop().inflating(FailingSource(GzipBlockEncoder().gzip(bytes)))
        let first = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { first.deallocate() }
        await #expect(throws: Gone.self) {
            try await source.readingAhead {
                #expect(try await source.read(into: first) == first.count)
                #expect(same(Array(first), Array(bytes.prefix(first.count))))
                while try await source.read(into: first) > 0 {}
            }
        }
    }

    @Test("A client that leaves while its body is inflated ahead ends the work")
    func cancelled() async throws {
        let workshop = Workshop()
        let flag = CancellationFlag()
        let pipeline = try workshop.pipeline(plan(), flag: flag)
        let source = try workshop.inflating(MemorySource(GzipBlockEncoder().gzip(volume())))
        await #expect(throws: EngineError.cancelled) {
            try await source.readingAhead {
                try await pipeline.run(source) { index in if index == 3 { flag.cancel() } }
            }
        }
    }

    @Test(
        "An answer packed while slabs arrive inflates to the bytes of one packed behind them",
        arguments: [AnswerFormat.npz, .raw],
        [ReductionPlace.loop, .lanes]
    )
    func packedEarly(format: AnswerFormat, place: ReductionPlace) async throws {
        let bytes = volume()
        var answers: [[UInt8]] = []
        for isEarly in [false, true] {
            let workshop = Workshop()
            let plan = try plan()
            let engine = try PyramidEngine(plan, slabsInFlight: SlabPipeline.ring(plan, place, lanes: 2))
            let early = isEarly ? EarlyPacking(engine) : nil
            let pipeline = SlabPipeline(
                engine: engine,
                place: place,
                isBigEndian: false,
                cancellation: CancellationFlag(),
                pool: workshop.pool,
                buffers: workshop.buffers,
                early: early
            )
            try await pipeline.run(MemorySource(bytes)) { _ in }
            if let early { #expect(early.heldBytes > 0 && early.heldBytes <= EarlyPacking.budget(plan)) }
            let sink = MemorySink()
            let gzip = GzipSink(sink, pool: workshop.pool, early: early)
            let layout = try AnswerLayout(format, plan)
            let writer = AnswerWriter(engine, layout, to: gzip, pool: workshop.pool, early: early)
            #expect(try await writer.advance())
            try await gzip.finish()
            if let early { #expect(early.heldBytes == 0) }
            answers.append(try await readAll(workshop.inflating(sink.bytes), step: 1 << 20))
        }
        #expect(same(answers[0], answers[1]))
    }
}
