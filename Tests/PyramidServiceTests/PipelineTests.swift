// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import HTTPTypes
import PyramidService
import Testing
import UV
import Voxels
import Workers

private func strideSpec(_ sizes: [Int], _ type: VoxelType = .uint8, mips: Int = 1) throws -> PyramidSpec {
    PyramidSpec(
        type: type,
        shape: try Shape(sizes),
        method: .stride,
        factor: try Factor([2, 2, 1]),
        mips: .count(mips)
    )
}

/// Every second voxel of every second row.
private func strided(_ bytes: [UInt8], _ width: Int, _ height: Int, _ depth: Int) -> [UInt8] {
    var result: [UInt8] = []
    for z in 0..<depth {
        for y in stride(from: 0, to: height, by: 2) {
            for x in stride(from: 0, to: width, by: 2) { result.append(bytes[x + width * (y + height * z)]) }
        }
    }
    return result
}

@Test(
    "Slabs make the same level, on the loop and on lanes",
    arguments: [[7, 5, 3], [64, 64, 4], [513, 257, 33], [1024, 1024, 9]],
    [ReductionPlace.loop, .lanes]
)
func slabs(sizes: [Int], place: ReductionPlace) async throws {
    let workshop = Workshop()
    let bytes = randomBytes(sizes.reduce(1, *))
    let pipeline = try workshop.pipeline(PyramidPlan(strideSpec(sizes)), place)
    var done: [Int] = []
    try await pipeline.run(MemorySource(bytes)) { done.append($0) }
    #expect(done == Array(0..<pipeline.engine.plan.slabCount))
    #expect(Array(pipeline.engine.level(1)) == strided(bytes, sizes[0], sizes[1], sizes[2]))
}

private func place(
    _ sizes: [Int],
    _ method: Method,
    _ type: VoxelType = .uint8,
    _ factor: [Int] = [2, 2, 2],
    precision: Precision = .compat,
    mips: Int = 3,
    sparse: Bool = false
) throws -> ReductionPlace {
    let spec = PyramidSpec(
        type: type,
        shape: try Shape(sizes),
        method: method,
        precision: precision,
        factor: try Factor(factor),
        mips: .count(mips),
        sparse: sparse
    )
    return ReductionPlace(try PyramidPlan(spec))
}

@Test("Boxes of twos are reduced on the loop, up to slabs of 4 MiB")
func lightWork() throws {
    let large = [512, 512, 512]
    #expect(try place(large, .average) == .loop)
    #expect(try place(large, .mode, .uint64) == .loop)
    #expect(try place(large, .mode, .uint64, [2, 2, 1], sparse: true) == .loop)
    #expect(try place(large, .min, .float32) == .loop)
    // Two slices are a slab of 4 MiB, then one of more.
    #expect(try place([2048, 1024, 8], .average) == .loop)
    #expect(try place([2048, 1025, 8], .average) == .lanes)
}

@Test("What takes long for a voxel is done on lanes unless it is small")
func heavyWork() throws {
    let large = [512, 512, 512]
    #expect(try place(large, .average, .uint8, [3, 3, 1]) == .lanes)
    #expect(try place(large, .average, sparse: true) == .lanes)
    #expect(try place(large, .average, .float64, mips: 1) == .lanes)
    #expect(try place(large, .mode, precision: .exact) == .lanes)
    #expect(try place(large, .median) == .lanes)
    #expect(try place([32, 32, 16], .median) == .loop)
    #expect(try place([32, 32, 17], .median) == .lanes)
    // An exact median reads its input for each mip.
    #expect(try place([32, 32, 5], .median, precision: .exact) == .loop)
    #expect(try place([32, 32, 6], .median, precision: .exact) == .lanes)
    #expect(try place([64, 64, 64], .average, .uint8, [3, 3, 1]) == .loop)
}

@Test("Big-endian voxels are turned round")
func bigEndian() async throws {
    let pipeline = try Workshop().pipeline(PyramidPlan(strideSpec([4, 1, 1], .uint16)), isBigEndian: true)
    try await pipeline.run(MemorySource([1, 2, 3, 4, 5, 6, 7, 8])) { _ in }
    #expect(Array(pipeline.engine.level(1)) == [2, 1, 6, 5])
}

@Test(
    "A body shorter or longer than the array is 400 with the count that is right",
    arguments: [[8, 8, 2], [1024, 1024, 9]],
    [-1, 1]
)
func wrongLengths(sizes: [Int], difference: Int) async throws {
    for place in [ReductionPlace.loop, .lanes] { try await wrongLength(sizes, difference, place) }
}

private func wrongLength(_ sizes: [Int], _ difference: Int, _ place: ReductionPlace) async throws {
    let count = sizes.reduce(1, *)
    let pipeline = try Workshop().pipeline(PyramidPlan(strideSpec(sizes)), place)
    let source = MemorySource(randomBytes(count + difference))
    let error = await #expect(throws: ServiceError.self) { try await pipeline.run(source) { _ in } }
    #expect(error?.status == .badRequest)
    #expect(error?.detail.contains("\(count)") == true)
    if difference < 0 { #expect(error?.detail.contains("\(count - 1) bytes") == true) }
}

@Test("A client that has left ends the work", arguments: [ReductionPlace.loop, .lanes])
func cancelled(place: ReductionPlace) async throws {
    let flag = CancellationFlag()
    flag.cancel()
    let pipeline = try Workshop().pipeline(PyramidPlan(strideSpec([1024, 1024, 9])), place, flag: flag)
    await #expect(throws: EngineError.cancelled) {
        try await pipeline.run(MemorySource(randomBytes(9 << 20))) { _ in }
    }
}

private func answer(_ format: AnswerFormat, sizes: [Int], gzip: Bool, early: Bool) async throws -> (
    got: [UInt8], want: Int
) {
    let workshop = Workshop()
    let plan = try PyramidPlan(strideSpec(sizes, mips: 3))
    let pipeline = try workshop.pipeline(plan)
    let sink = MemorySink()
    let packed = GzipSink(sink, pool: workshop.pool)
    let layout = try AnswerLayout(format, plan, checksumsAfterLevels: early)
    let writer = AnswerWriter(pipeline.engine, layout, to: gzip ? packed : sink, pool: workshop.pool)
    try await pipeline.run(MemorySource(randomBytes(sizes.reduce(1, *)))) { _ in
        if early { _ = try await writer.advance(holdsEnd: true) }
    }
    // Whoever has less than this knows that it is not the whole answer.
    #expect(sink.bytes.count < (gzip ? .max : layout.byteCount))
    #expect(try await writer.advance())
    if gzip {
        try await packed.finish()
        return (try await readAll(workshop.inflating(sink.bytes), step: 1 << 20), layout.byteCount)
    }
    return (sink.bytes, layout.byteCount)
}

@Test(
    "An answer has the bytes of its layout, whole or early, plain or gzipped",
    arguments: [AnswerFormat.npz, .npy, .raw, .multipart],
    [[16, 16, 4], [1024, 1024, 12]]
)
func answers(format: AnswerFormat, sizes: [Int]) async throws {
    for gzip in [false, true] {
        for early in [false, true] {
            let (got, want) = try await answer(format, sizes: sizes, gzip: gzip, early: early)
            #expect(got.count == want, "gzip \(gzip), early \(early)")
        }
    }
}

@Test("The header behind a level that fills a write is written as it is", arguments: [false, true])
func headersBehindLargeLevels(early: Bool) async throws {
    let workshop = Workshop()
    let plan = try PyramidPlan(strideSpec([2048, 2048, 8], mips: 3))
    let pipeline = try workshop.pipeline(plan)
    let sink = MemorySink()
    let layout = try AnswerLayout(.npy, plan, checksumsAfterLevels: early)
    let writer = AnswerWriter(pipeline.engine, layout, to: sink, pool: workshop.pool)
    try await pipeline.run(MemorySource(randomBytes(32 << 20))) { _ in
        if early { _ = try await writer.advance(holdsEnd: true) }
    }
    #expect(try await writer.advance())
    var cursor = AnswerCursor(layout)
    var want: [UInt8] = []
    while let step = cursor.next() {
        switch step {
        case .bytes(let bytes): want += bytes
        case .level(let mip): want += Array(pipeline.engine.level(mip))
        case .checksum: Issue.record("npy answers have none")
        }
    }
    #expect(sink.bytes == want)
}

@Test("A large answer is a few large writes")
func fewWrites() async throws {
    let workshop = Workshop()
    let plan = try PyramidPlan(strideSpec([1024, 1024, 32], mips: 5))
    let pipeline = try workshop.pipeline(plan)
    try await pipeline.run(MemorySource(randomBytes(32 << 20))) { _ in }
    let sink = MemorySink()
    #expect(
        try await AnswerWriter(pipeline.engine, AnswerLayout(.npz, plan), to: sink, pool: workshop.pool)
            .advance()
    )
    #expect(sink.writes <= 4)
}

@Test(
    "A compressed source gives its plain bytes in pieces of any size",
    arguments: [1, 100, 65_536, 65_537, 1 << 20]
)
func inflating(step: Int) async throws {
    let plain = randomBytes(step == 1 ? 3_000 : 300_000)
    let packed = GzipBlockEncoder().gzip(plain)
    let several = packed + GzipBlockEncoder().gzip([]) + packed
    #expect(try await readAll(Workshop().inflating(several), step: step) == plain + plain)
}

@Test("A compressed source that ends early, is wrong, or goes on is refused")
func brokenSources() async {
    let packed = GzipBlockEncoder().gzip(randomBytes(1_000))
    for wrong in [
        packed.dropLast(), packed + [0], Array("nonsense".utf8), [],
        packed.dropLast(8) + [UInt8](repeating: 0, count: 8),
    ] {
        await #expect(throws: InflateError.self) {
            try await readAll(Workshop().inflating(Array(wrong)), step: 70_000)
        }
    }
}

@Test(
    "Inflating stops the moment a limit is passed",
    arguments: ["limits.inflated_bytes", "limits.inflation_ratio"]
)
func inflationLimits(key: String) async throws {
    let zeros = [UInt8](repeating: 0, count: 8 << 20)
    var limits = Configuration.Limits()
    if key == "limits.inflated_bytes" { limits.inflatedBytes = 2 << 20 } else { limits.inflationRatio = 10 }
    let source = try Workshop().inflating(GzipBlockEncoder().gzip(zeros), limits: limits)
    let error = await #expect(throws: ServiceError.self) { try await readAll(source, step: 256 << 10) }
    #expect(error?.status == .contentTooLarge)
    #expect(error?.limit == key)
}

@Test("What is behind an .npy header comes out whole", arguments: [0, 1, 200, 5_000])
func npyPrefix(count: Int) async throws {
    let voxels = randomBytes(count)
    let header = NpyHeader.encoded(type: .uint8, shape: try Shape([count, 1]), order: .fortran)
    let (parsed, source) = try await NpyPrefix.read(from: MemorySource(header + voxels))
    #expect(parsed.shape == (try Shape([count, 1])))
    #expect(try await readAll(source, step: 300) == voxels)
}

@Test("An .npy header that is cut off is refused")
func cutNpy() async throws {
    let header = NpyHeader.encoded(type: .uint8, shape: try Shape([3, 1]), order: .fortran)
    await #expect(throws: NpyError.self) {
        try await NpyPrefix.read(from: MemorySource(Array(header.dropLast())))
    }
}
