// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// Which levels are wanted beyond those of a source, and how they are written.
package struct LevelRequest: Sendable, Hashable {
    package var factor: FactorRule
    package var mips: MipsRule
    /// `nil`: the encoding of the source's last scale.
    package var encoding: ChunkEncoding?
    /// `nil`: the first chunk size of the source's last scale.
    package var chunkExtent: Extent3?

    package init(
        factor: FactorRule = .fixed(Extent3(2, 2, 1)),
        mips: MipsRule = .all,
        encoding: ChunkEncoding? = nil,
        chunkExtent: Extent3? = nil
    ) {
        self.factor = factor
        self.mips = mips
        self.encoding = encoding
        self.chunkExtent = chunkExtent
    }
}

/// A level that is made here.
package struct MadeScale: Sendable, Hashable {
    /// Never sharded, one chunk size, no unknown members.
    package var scale: ScaleInfo
    /// How many voxels of the level before make one voxel of this one.
    package let factor: Extent3
}

/// Plans the levels that are made from the last, coarsest scale of a source on.
package enum LevelPlanner {
    /// How many levels are made at most.
    package static let maxMadeScales = 32

    /// The levels to make, the finest first; none if ``MipsRule/all`` and the source's last scale is small already.
    ///
    /// A level's bounds are the bounds `[b, e)` of the one before turned into `[floor(b/f), ceil(e/f))`, its voxels `f`
    /// times as large. Block size and quality are the source's while the encoding stays.
    /// - Throws: ``InfoError/cannotPlan(_:)`` if the request contradicts itself or the source.
    package static func plan(_ info: VolumeInfo, _ request: LevelRequest) throws(InfoError) -> [MadeScale] {
        try check(request, sourceScales: info.scales.count)
        guard let last = info.scales.last, request.mips != .count(0) else { return [] }
        var level = try template(info, last, request)
        var taken = Set(info.scales.map(\.key))
        var made: [MadeScale] = []
        while made.count < maxMadeScales, info.scales.count + made.count < VolumeInfo.maxScales {
            guard let factor = request.factor.factor(bounds: level.bounds, voxelSize: level.voxelSize) else {
                break
            }
            switch request.mips {
            case .count(let count): if made.count == count { return made }
            case .all: if isSmallEnough(level, for: factor, request.factor) { return made }
            }
            level.bounds = level.bounds.downsampled(by: factor)
            level.voxelSize = level.voxelSize.scaled(by: factor)
            guard level.voxelSize.isAllowed else {
                throw .cannotPlan(
                    "`mips`: level \(info.scales.count + made.count) would have voxels above 1e30 nm"
                )
            }
            level.key = uniqueKey(level.voxelSize.key, mip: info.scales.count + made.count, taken: &taken)
            made.append(MadeScale(scale: level, factor: factor))
        }
        return made
    }

    private static func check(_ request: LevelRequest, sourceScales: Int) throws(InfoError) {
        if case .fixed(let factor) = request.factor {
            let range = 1...FactorRule.maxFactor
            guard factor.entries.allSatisfy(range.contains), factor != Extent3(repeating: 1) else {
                throw .cannotPlan(
                    "`factor` is \(factor.x),\(factor.y),\(factor.z); allowed: three integers from 1 to "
                        + "\(FactorRule.maxFactor), not all of them 1"
                )
            }
        }
        if case .count(let count) = request.mips {
            let most = min(maxMadeScales, VolumeInfo.maxScales - sourceScales)
            guard (0...max(0, most)).contains(count) else {
                throw .cannotPlan("`mips` is \(count); allowed: 0 to \(max(0, most)), or all")
            }
        }
        if let chunk = request.chunkExtent, let allowed = ScaleInfo.unfitness(ofChunk: chunk) {
            throw .cannotPlan("`chunk_size` is \(chunk.x),\(chunk.y),\(chunk.z); allowed: \(allowed)")
        }
    }

    /// The source's last scale, turned into one as it is written here.
    private static func template(
        _ info: VolumeInfo,
        _ last: ScaleInfo,
        _ request: LevelRequest
    ) throws(InfoError) -> ScaleInfo {
        guard last.encoding.isReadable else {
            throw .cannotPlan(
                "levels are made of scales[\(info.scales.count - 1)], and its encoding "
                    + "\(last.encoding.rawValue) cannot be read here; set `mips: 0` to pass the volume on as it is"
            )
        }
        let encoding = request.encoding ?? last.encoding
        let chunk = request.chunkExtent ?? last.chunkExtents[0]
        if let allowed = encoding.unfitness(
            kind: info.kind,
            type: info.type,
            channels: info.channels,
            chunk: chunk
        ) {
            throw .cannotPlan("`encoding` is \(encoding.rawValue); allowed: \(allowed)")
        }
        let isKept = encoding == last.encoding
        let isSegmentation = encoding == .compressedSegmentation
        return ScaleInfo(
            key: last.key,
            bounds: last.bounds,
            voxelSize: last.voxelSize,
            chunkExtents: [chunk],
            encoding: encoding,
            blockExtent: isSegmentation ? last.blockExtent ?? ScaleInfo.defaultBlockExtent : nil,
            jpegQuality: isKept ? last.jpegQuality : nil,
            pngLevel: isKept ? last.pngLevel : nil
        )
    }

    private static func isSmallEnough(_ level: ScaleInfo, for factor: Extent3, _ rule: FactorRule) -> Bool {
        let extent = level.bounds.extent
        return (0..<3).allSatisfy { axis in
            // A later step of `auto` may shorten the axes that this one leaves alone.
            let isLeftAlone = factor[axis] == 1 && rule != .auto
            return isLeftAlone || extent[axis] <= level.chunkExtents[0][axis]
                || !level.bounds.canShrink(along: axis)
        }
    }

    /// `key`, or `key` with the number of its level behind it, or more until no other scale has it.
    private static func uniqueKey(_ key: String, mip: Int, taken: inout Set<String>) -> String {
        var unique = key
        while !taken.insert(unique).inserted { unique += "_mip\(mip)" }
        return unique
    }
}
