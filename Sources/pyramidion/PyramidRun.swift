// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import PyramidService
import UV
import Voxels
import Workers

/// One pyramid from a source to a sink.
struct PyramidRun {
    let query: PyramidQuery
    let format: AnswerFormat
    let pool: WorkerPool
    private let buffers = BufferPool(keptBytes: 0)

    init(query: PyramidQuery, format: AnswerFormat, pool: WorkerPool) {
        self.query = query
        self.format = format
        self.pool = pool
    }

    /// Reads the file `input` and writes `output`; a file appears when it is complete.
    ///
    /// With a shape and a type the input is raw, unless its name says that it is a `.npy`.
    /// - Throws: ``Failure``, and whatever the layers below throw.
    func make(from input: String, to output: String) async throws {
        let file = try FileSource(input)
        let isNamedNpy = input.hasSuffix(".npy") || input.hasSuffix(".npy.gz")
        let isRaw = query.shape != nil && query.type != nil && !isNamedNpy
        var source = try await plainSource(file, mayInflate: !isRaw || input.hasSuffix(".gz"))
        var isBigEndian = false
        let request = PyramidRequest(query, kind: isRaw ? .raw : .npy, format: format)
        let spec: PyramidSpec
        if isRaw {
            spec = try request.rawSpec(byteCount: nil)
        } else {
            let header: NpyHeader
            (header, source) = try await self.header(of: source)
            isBigEndian = header.isBigEndian
            spec = try request.npySpec(header, byteCount: nil)
        }
        let plan = try PyramidPlan(spec)
        let sink = try await FileSink(output)
        let pipeline = SlabPipeline(
            engine: try PyramidEngine(
                plan,
                slabsInFlight: SlabPipeline.ring(plan, .lanes, lanes: pool.lanes)
            ),
            place: .lanes,
            isBigEndian: isBigEndian,
            cancellation: CancellationFlag(),
            pool: pool,
            buffers: buffers
        )
        var progress = ProgressBar(total: plan.slabCount)
        try await pipeline.run(source) { progress.show($0 + 1) }
        let writer = AnswerWriter(pipeline.engine, try AnswerLayout(format, plan), to: sink, pool: pool)
        guard try await writer.advance() else { throw Failure.runtime("the pyramid did not become complete") }
        try sink.commit()
    }

    /// Where half of what describes a raw input is there, the other half may be what is missing.
    private func header(of source: any ByteSource) async throws -> (NpyHeader, any ByteSource) {
        do {
            return try await NpyPrefix.read(from: source)
        } catch NpyError.notNpy where (query.shape == nil) != (query.type == nil) {
            let missing = query.shape == nil ? "--shape, as --shape 512,512,100" : "--dtype, as --dtype uint8"
            throw Failure.commandLine(
                "a raw input needs \(missing); a .npy needs neither --shape nor --dtype"
            )
        }
    }

    /// Looks at the first bytes: gzip says so itself.
    private func plainSource(_ file: FileSource, mayInflate: Bool) async throws -> any ByteSource {
        let (isGzip, source) = try await GzipPrefix.look(at: file)
        guard isGzip, mayInflate else { return source }
        var limits = Configuration.Limits()
        limits.inflatedBytes = .max
        limits.inflationRatio = .max
        return try InflatingSource(source, .gzip, pool: pool, buffers: buffers, limits: limits)
    }
}
