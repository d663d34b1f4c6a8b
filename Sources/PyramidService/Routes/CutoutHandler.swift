// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import HTTP1
import HTTPServer
import HTTPTypes
import Synchronization
import Volumes
import Voxels
import Workers

/// Serves `GET /v1/volumes/{name}/cutout`: any box of any level, as `.npy` or raw, a layer of chunks at a time.
struct CutoutHandler {
    static let parameters = ["mip", "bbox", "format"]

    /// What is held of a box whose channels come one after another, so that chunks are not unpacked for each of them.
    private static let heldByteCount = 64 << 20

    private let context: ServiceContext
    private let transaction: Transaction

    init(_ context: ServiceContext, _ transaction: Transaction) {
        self.context = context
        self.transaction = transaction
    }

    func answer(_ volume: ServedVolume) async throws {
        let request = try BoxRequest(context, transaction, volume, Self.parameters)
        let level = try request.namedLevel() ?? volume.levels[0]
        let box = try box(request.query["bbox"], level)
        let format = request.query["format"] ?? "npy"
        guard format == "npy" || format == "raw" else {
            throw ServiceError.parameter("format", "it cannot be \(shortened(format)); allowed: npy, raw.")
        }
        guard level.format != nil else { throw level.unreadable }
        let channels = volume.info.channels
        let byteCount = request.byteCount(box)
        try checkByteCount(byteCount)
        let shape = try Shape(box.extent.entries + (channels > 1 ? [channels] : []))
        let header =
            format == "npy" ? NpyHeader.encoded(type: volume.info.type, shape: shape, order: .fortran) : []
        let fields: HTTPFields = [
            .contentType: format == "npy" ? "application/x-npy" : "application/octet-stream",
            .cacheControl: context.cacheControl,
            .vary: "Accept-Encoding",
            .pyramidDtype: volume.info.type.rawValue,
            .pyramidOrder: MemoryOrder.fortran.rawValue,
            .pyramidShape: "(" + shape.sizes.map(String.init).joined(separator: " ") + ")",
        ]
        let budget = context.sidecar.boxes.budget
        let isOne = channels > 1 && byteCount <= min(Self.heldByteCount, budget / 4)
        let layers = layers(of: box, level, isOne: isOne)
        // All but the first and the last are as thick as a chunk.
        let ends = [layers.first, layers.dropFirst().first, layers.last].compactMap { $0 }
        let thickest = ends.map(request.byteCount).max() ?? 0
        var (group, held) = (channels, 0)
        if layers.count > 1 {
            let channelBytes = max(1, byteCount / channels)
            group = min(channels, max(1, min(Self.heldByteCount, (budget - thickest) / 2) / channelBytes))
            held = group > 1 ? group * channelBytes : 0
        }
        try await request.holding(thickest.addingClamped(held)) {
            try await send(request, level, layers, group, header, byteCount, fields)
        }
    }

    private func checkByteCount(_ byteCount: Int) throws(ServiceError) {
        let limit = context.configuration.limits.cutoutBytes
        guard byteCount <= limit else {
            throw .overLimit(
                limit: "limits.cutout_bytes",
                "The box has \(byteCount) bytes, and \(limit) are allowed; ask for a smaller one, or for a coarser mip."
            )
        }
    }

    private func send(
        _ request: BoxRequest,
        _ level: ServedLevel,
        _ layers: Layers,
        _ group: Int,
        _ header: [UInt8],
        _ byteCount: Int,
        _ fields: HTTPFields
    ) async throws {
        // The first layer is read before the answer begins, so that most failures get a proper one.
        guard let begin = layers.first else { throw ServiceError.internalFault("a box without layers") }
        var first: BoxVoxels? = try await request.voxels(level, begin)
        var fields = fields
        let isGzipped = try AnswerCoding.negotiated(transaction.exchange.head.fields) == .gzip
        if isGzipped { fields[.contentEncoding] = "gzip" }
        let total = header.count + byteCount
        try await transaction.begin(.ok, fields, length: isGzipped ? nil : total)
        if transaction.exchange.head.method == .head { return try await transaction.end() }
        let gzip = isGzipped ? GzipSink(transaction, pool: context.workers) : nil
        let sink: any ByteSink = gzip ?? transaction
        if !header.isEmpty {
            let pinned = PinnedBytes(header)
            try await sink.write([pinned.memory])
            withExtendedLifetime(pinned) {}
        }
        // The channel is slowest, so each group of them passes all layers.
        let channels = request.volume.info.channels
        for channel in stride(from: 0, to: channels, by: group) {
            let group = channel..<min(channel + group, channels)
            let held =
                try group.count > 1 && layers.count > 1 ? HeldChannels(group, of: byteCount / channels) : nil
            for layer in layers {
                let voxels: BoxVoxels
                if let early = first {
                    voxels = early
                    first = nil
                } else {
                    voxels = try await request.voxels(level, layer)
                }
                if let held {
                    try await context.workers.run { held.take(voxels) }
                } else {
                    let planes =
                        group.count == 1 ? voxels.plane(of: channel) : UnsafeRawBufferPointer(voxels.bytes)
                    try await sink.write([planes])
                }
                withExtendedLifetime(voxels) {}
            }
            if let held {
                try await sink.write([UnsafeRawBufferPointer(held.memory.bytes)])
                withExtendedLifetime(held) {}
            }
        }
        if let gzip { try await gzip.finish() }
        try await transaction.end()
    }

    /// Made one by one: there may be as many as voxels along z.
    private typealias Layers = LazyMapCollection<Range<Int>, Box3>

    /// The box cut along z as the chunks are.
    private func layers(of box: Box3, _ level: ServedLevel, isOne: Bool) -> Layers {
        let grid = level.grids[0]
        let cells = grid.cells(covering: box)
        if isOne { return (0..<1).lazy.map { _ in box } }
        return (cells.begin.z..<cells.end.z).lazy.map { z in
            let chunk = grid.box(Extent3(cells.begin.x, cells.begin.y, z))
            var layer = box
            layer.begin.z = max(box.begin.z, chunk.begin.z)
            layer.end.z = min(box.end.z, chunk.end.z)
            return layer
        }
    }

    private func box(_ text: String?, _ level: ServedLevel) throws(ServiceError) -> Box3 {
        guard let text else { return level.bounds }
        let bounds = "\(ChunkName.text(level.bounds)), in voxels of this mip"
        guard let box = ChunkName.parse(text) else {
            throw .parameter(
                "bbox",
                "it cannot be \(shortened(text)); allowed: x0-x1_y0-y1_z0-z1 within \(bounds)."
            )
        }
        guard !box.isEmpty, level.bounds.contains(box) else {
            throw .parameter("bbox", "\(shortened(text)) is not a box within \(bounds).")
        }
        return box
    }
}

extension BoxVoxels {
    /// The memory of one channel.
    func plane(of channel: Int) -> UnsafeRawBufferPointer {
        let count = bytes.count / max(channels, 1)
        return UnsafeRawBufferPointer(rebasing: bytes[channel * count..<(channel + 1) * count])
    }
}

/// Some channels of a box, brought together from layers of all channels; x fastest, then y, z, the channel slowest.
///
/// Layers are taken one after another, by whichever lane.
private final class HeldChannels: Sendable {
    let memory: VoxelBuffer
    private let channels: Range<Int>
    private let channelByteCount: Int
    /// Of each channel, from layers that were taken.
    private let filled = Mutex(0)

    /// - Throws: `EngineError.outOfMemory`.
    init(_ channels: Range<Int>, of channelByteCount: Int) throws(EngineError) {
        self.channels = channels
        self.channelByteCount = channelByteCount
        memory = try VoxelBuffer(byteCount: channels.count * channelByteCount)
    }

    /// Takes the next layer along z, which is as wide and as high as the box.
    func take(_ layer: BoxVoxels) {
        let count = layer.bytes.count / max(layer.channels, 1)
        let end = filled.withLock { filled in
            filled += count
            return filled
        }
        precondition(end <= channelByteCount, "the layers are those of the box")
        for channel in channels {
            let start = (channel - channels.lowerBound) * channelByteCount + end - count
            UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + count])
                .copyMemory(from: layer.plane(of: channel))
        }
    }
}
