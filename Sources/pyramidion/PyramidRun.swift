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

    /// Reads the file `input` and writes the file `output`, which appears when it is complete.
    /// - Throws: ``Failure``, and whatever the layers below throw.
    func make(from input: String, to output: String) async throws {
        let file = try FileSource(input)
        var source = try await plainSource(file, mayInflate: query.shape == nil || input.hasSuffix(".gz"))
        var isBigEndian = false
        let spec: PyramidSpec
        if query.shape != nil || query.type != nil {
            spec = try PyramidRequest(query, format: format).rawSpec(byteCount: nil)
        } else {
            let header: NpyHeader
            (header, source) = try await NpyPrefix.read(from: source)
            isBigEndian = header.isBigEndian
            spec = try PyramidRequest(query, format: format).npySpec(header, byteCount: nil)
        }
        let plan = try PyramidPlan(spec)
        let sink = try FileSink(output)
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
