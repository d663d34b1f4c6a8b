// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Volumes
import Voxels

/// What an uploaded array becomes, before its first voxel.
struct UploadPlan: Sendable {
    /// As it will be announced: level 0 and all made levels.
    let info: VolumeInfo
    /// One for each level beyond 0.
    let rules: [LevelRule]

    /// - Throws: ``ServiceError/parameter(_:_:)`` for whatever cannot be a precomputed volume, or cannot be made,
    ///   ``ServiceError/overLimit(limit:_:)`` for more than `mipLimit` levels beyond 0.
    init(_ query: UploadQuery, _ spec: PyramidSpec, mipLimit: Int) throws(ServiceError) {
        let sizes = spec.shape.sizes
        guard sizes.count <= 4 else {
            throw .parameter("shape", "a volume has the axes x, y, z and channel; allowed: 1 to 4 of them.")
        }
        let (kind, method) = query.resolved(spec.type)
        let size = Extent3(sizes[0], sizes.count > 1 ? sizes[1] : 1, sizes.count > 2 ? sizes[2] : 1)
        let base = try Self.base(query, spec.type, kind, size, channels: sizes.count > 3 ? sizes[3] : 1)
        do {
            let request = LevelRequest(factor: query.factor, mips: query.mips, encoding: nil)
            let made = try LevelPlanner.plan(base, request)
            guard made.count <= mipLimit else {
                throw ServiceError.overLimit(
                    limit: "limits.mips",
                    "The volume has \(made.count) mips beyond its own voxels, and \(mipLimit) are allowed; ask for fewer."
                )
            }
            rules = try LevelRules(
                method: method,
                precision: query.pyramid.precision,
                sparse: query.pyramid.sparse
            ).rules(for: made, of: base)
            var info = base
            info.scales += made.map(\.scale)
            self.info = info
        } catch let error as LevelRules.Refusal {
            throw .parameter(error.parameter, error.message + ".")
        } catch let error as InfoError {
            throw .parameter("factor", error.message + ".")
        } catch {
            throw ServiceError(error)
        }
    }

    private static func base(
        _ query: UploadQuery,
        _ type: VoxelType,
        _ kind: VolumeKind,
        _ size: Extent3,
        channels: Int
    ) throws(ServiceError) -> VolumeInfo {
        do {
            var info = try VolumeInfo.forUpload(
                kind: kind,
                type: type,
                channels: channels,
                size: size,
                voxelOffset: query.voxelOffset,
                voxelSize: query.voxelSize,
                chunk: query.chunkExtent,
                encoding: query.encoding
            )
            info.scales = info.scales.map(\.atGoodQuality)
            return info
        } catch .wrong(let path, let found, let allowed) {
            throw .parameter(path, "it cannot be \(found); allowed: \(allowed).")
        } catch {
            throw .body(error.message)
        }
    }

    func cutting(_ order: MemoryOrder) -> LayerCutting {
        LayerCutting(
            grid: ChunkGrid(bounds: info.scales[0].bounds, chunk: info.scales[0].chunkExtents[0]),
            channels: info.channels,
            width: info.type.byteWidth,
            order: order
        )
    }

    /// The levels of the draft: the first is there as soon as it is written, the others are made of it.
    func draftLevels() throws -> [ServedLevel] {
        var levels: [ServedLevel] = []
        for (index, scale) in info.scales.enumerated() {
            let provider: ServedLevel.Provider = index == 0 ? .stored(scale) : .made(rules[index - 1])
            levels.append(try ServedLevel(index, scale, info, provider))
        }
        return levels
    }
}
