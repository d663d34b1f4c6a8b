// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import HTTP1
import HTTPServer
import HTTPTypes
import Origins
import Volumes
import Voxels
import Workers

/// Serves `GET /v1/volumes/{name}/preview.png`: one slice as a picture, in the proportions of the volume.
struct PreviewHandler {
    static let parameters = ["mip", "axis", "at", "range", "size"]

    /// Pixels along the longer side of a picture.
    private static let usualPixels = 512
    private static let mostPixels = 4096

    private let context: ServiceContext
    private let transaction: Transaction

    init(_ context: ServiceContext, _ transaction: Transaction) {
        self.context = context
        self.transaction = transaction
    }

    func answer(_ volume: ServedVolume) async throws {
        let request = try BoxRequest(context, transaction, volume, Self.parameters)
        let query = request.query
        let axis = try axis(query["axis"])
        let pixels = try pixels(query["size"])
        let named = try request.namedLevel()
        let level = named ?? fittingLevel(volume, axis, pixels)
        let at = try position(query["at"], axis, level, volume, isOfLevel: named != nil)
        let range = try range(query["range"])
        var box = level.bounds
        box.begin[axis] = at
        box.end[axis] = at + 1
        // The voxels; the picture in four channels, and packed.
        let price = request.byteCount(box).addingClamped(2 * 4 * pixels * pixels)
        try await request.holding(price) {
            let voxels = try await request.voxels(level, box)
            let slice = SlicePicture(
                voxels: voxels,
                type: volume.info.type,
                kind: volume.info.kind,
                axis: axis,
                spacing: level.scale.voxelSize.entries,
                pixels: pixels,
                range: range
            )
            let png = try await context.workers.run { try slice.png() }
            let chunk = EncodedChunk(png, .identity, fingerprint: volume.fingerprint)
            let answer = RepresentationAnswer(
                transaction: transaction,
                contentType: "image/png",
                cacheControl: context.cacheControl,
                isCompressible: false
            )
            try await answer.send(chunk.bytes, .identity, tag: chunk.tag)
        }
    }

    /// The finest level whose slice is not larger than the picture, or the coarsest.
    private func fittingLevel(_ volume: ServedVolume, _ axis: Int, _ pixels: Int) -> ServedLevel {
        let fits = volume.levels.first { level in
            (0..<3).allSatisfy { $0 == axis || level.bounds.extent[$0] <= pixels }
        }
        return fits ?? volume.levels[volume.levels.count - 1]
    }

    private func axis(_ text: String?) throws(ServiceError) -> Int {
        guard let text else { return 2 }
        guard let axis = ["x", "y", "z"].firstIndex(of: text) else {
            throw .parameter("axis", "it cannot be \(shortened(text)); allowed: x, y, z.")
        }
        return axis
    }

    private func pixels(_ text: String?) throws(ServiceError) -> Int {
        guard let text else { return Self.usualPixels }
        guard let pixels = WholeNumber.parse(text[...]), (16...Self.mostPixels).contains(pixels) else {
            throw .parameter(
                "size",
                "it cannot be \(shortened(text)); allowed: 16 to \(Self.mostPixels) pixels."
            )
        }
        return pixels
    }

    /// `at` counts voxels of the mip that is named, or of mip 0 if none is; without it, the middle.
    private func position(
        _ text: String?,
        _ axis: Int,
        _ level: ServedLevel,
        _ volume: ServedVolume,
        isOfLevel: Bool
    ) throws(ServiceError) -> Int {
        let bounds = level.bounds
        guard let text else { return bounds.begin[axis] + bounds.extent[axis] / 2 }
        let reference = isOfLevel ? level : volume.levels[0]
        let allowed = reference.bounds.begin[axis]..<reference.bounds.end[axis]
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard let size = WholeNumber.parse(digits), allowed.contains(text.hasPrefix("-") ? -size : size)
        else {
            throw .parameter(
                "at",
                "it cannot be \(shortened(text)); allowed: \(allowed.lowerBound) to \(allowed.upperBound - 1)."
            )
        }
        let position = text.hasPrefix("-") ? -size : size
        if isOfLevel { return position }
        let ratio = volume.levels[0].scale.voxelSize.entries[axis] / level.scale.voxelSize.entries[axis]
        let scaled = (Double(position) + 0.5) * ratio
        return min(max(Int(scaled.rounded(.down)), bounds.begin[axis]), bounds.end[axis] - 1)
    }

    private func range(_ text: String?) throws(ServiceError) -> ClosedRange<Double>? {
        guard let text else { return nil }
        guard let ends = numbers(in: text, { Double($0) }), ends.count == 2, ends.allSatisfy(\.isFinite),
            ends[0] < ends[1]
        else {
            throw .parameter("range", "it cannot be \(shortened(text)); allowed: LOW,HIGH, the first less.")
        }
        return ends[0]...ends[1]
    }
}
