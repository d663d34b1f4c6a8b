// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import Origins
import Volumes
import Voxels

/// Opens a configured volume: reads its `info`, plans its levels, and finds what was kept of them.
struct SourceOpening {
    /// Bytes of an `info`; large ones have some ten kilobytes.
    static let infoByteLimit = 4 << 20

    let settings: VolumeSettings
    let origin: any Origin
    let folders: DataFolders?

    /// - Throws: ``ServiceError`` when the source fails or its `info` is wrong, ``ConfigurationError`` when the
    ///   levels that are asked for cannot be made of it.
    func open() async throws -> ServedVolume {
        let (source, version) = try await sourceInfo()
        let made = try planned(source)
        let rules = try rules(made, source)
        let announced = AnnouncedScales(source: source, made: made)
        var levels: [ServedLevel] = []
        for (index, scale) in announced.info.scales.enumerated() {
            let isSource = index < source.scales.count
            let provider: ServedLevel.Provider =
                isSource
                ? .stored(source.scales[index])
                : .made(rules[index - source.scales.count])
            levels.append(try ServedLevel(index, scale, announced.info, provider))
        }
        let fingerprint = Fingerprint.of(announced.info.json(), version ?? "", LevelRule.text(rules))
        var store: (any ChunkStore)?
        if let folders, levels.contains(where: \.isMade) {
            var info = announced.info
            info.scales = levels.filter(\.isMade).map(\.scale)
            store = try await folders.levels(of: settings.name, info: info, fingerprint: fingerprint)
        }
        return ServedVolume(
            name: settings.name,
            kind: .source,
            info: announced.info,
            levels: levels,
            origin: origin,
            store: store,
            fingerprint: fingerprint
        )
    }

    private func sourceInfo() async throws -> (VolumeInfo, version: String?) {
        let what = "The source of \(settings.name), \(origin.name),"
        do {
            guard let object = try await origin.object("info", limit: Self.infoByteLimit) else {
                throw ServiceError.badGateway("\(what) has no info; a precomputed volume has one.")
            }
            let json =
                object.coding == .gzip
                ? try WholeGzip.inflate(object.bytes, limit: Self.infoByteLimit) : object.bytes
            let info = try VolumeInfo(json: json)
            try checkKeys(info)
            return (info, object.version)
        } catch let error as OriginError {
            throw ServiceError(error, source: "\(what) cannot be read: \(error.message).")
        } catch let error as InfoError {
            throw ServiceError.badGateway("\(what) has an info that is wrong: \(error.message).")
        } catch let error as InflateError {
            throw ServiceError.badGateway("\(what) has an info that is wrong: \(error.message).")
        }
    }

    /// A key that can lead to no chunk makes every one of them fail: it is refused before somebody draws.
    private func checkKeys(_ info: VolumeInfo) throws(InfoError) {
        for (index, scale) in info.scales.enumerated() {
            do {
                try origin.check(scale.key + "/0")
            } catch .brokenKey(_, let reason) {
                throw .wrong(
                    path: "scales[\(index)].key",
                    found: JSONValue.string(scale.key).excerpt,
                    allowed:
                        "names of folders with single slashes between, from the folder of the info on (\(reason))"
                )
            } catch {
                continue
            }
        }
    }

    // MARK: Levels

    private func planned(_ source: VolumeInfo) throws -> [MadeScale] {
        let factor: FactorRule =
            switch settings.factor {
            case .auto: .auto
            case .fixed(let entries): .fixed(Extent3(entries[0], entries[1], entries[2]))
            }
        let mips: MipsRule =
            switch settings.mips {
            case .all: .all
            case .count(let count): .count(count)
            }
        let request = LevelRequest(
            factor: factor,
            mips: mips,
            encoding: settings.encoding.flatMap { ChunkEncoding(rawValue: $0.rawValue) }
        )
        do {
            return try LevelPlanner.plan(source, request).map(\.atGoodQuality)
        } catch {
            throw complaint(error.message)
        }
    }

    private func rules(_ made: [MadeScale], _ source: VolumeInfo) throws -> [LevelRule] {
        let rules = LevelRules(
            method: settings.method.flatMap { Method(rawValue: $0.rawValue) }
                ?? LevelRules.usualMethod(source.kind),
            precision: Precision(rawValue: settings.precision.rawValue) ?? .exact,
            sparse: settings.sparse
        )
        do {
            return try rules.rules(for: made, of: source)
        } catch {
            throw complaint(error.message)
        }
    }

    private func complaint(_ what: String) -> ConfigurationError {
        ConfigurationError(settings.place, "the volume `\(settings.name)`: \(what)")
    }
}

extension ServedLevel {
    /// - Throws: Nothing that an `info` which was read could cause.
    init(_ index: Int, _ scale: ScaleInfo, _ info: VolumeInfo, _ provider: Provider) throws {
        self.init(
            index: index,
            scale: scale,
            grids: scale.chunkExtents.map { ChunkGrid(bounds: scale.bounds, chunk: $0) },
            format: scale.encoding.isReadable ? try ChunkFormat(scale, info) : nil,
            provider: provider
        )
    }
}

extension MadeScale {
    /// The same with a JPEG quality that bears being made of one another level by level.
    var atGoodQuality: MadeScale {
        var made = self
        made.scale = made.scale.atGoodQuality
        return made
    }
}

extension ScaleInfo {
    /// Least quality of JPEG that is written here. Each level is made of the one below as it is kept, and at less than
    /// this the blocks of one show in the next: at 92 the third level of noise was off by 2.6 grey levels in the mean.
    private static let goodQuality = 95

    var atGoodQuality: ScaleInfo {
        var scale = self
        if scale.encoding == .jpeg { scale.jpegQuality = max(scale.jpegQuality ?? 0, Self.goodQuality) }
        return scale
    }
}

extension ChunkFormat {
    /// How the chunks of a scale are written.
    /// - Throws: `ChunkCodecError` when the encoding does not go with the type or the channels.
    init(_ scale: ScaleInfo, _ info: VolumeInfo) throws(ChunkCodecError) {
        try self.init(
            encoding: scale.encoding,
            type: info.type,
            channels: info.channels,
            blockExtent: scale.blockExtent ?? Extent3(repeating: 8),
            jpegQuality: scale.jpegQuality ?? ScaleInfo.defaultJPEGQuality,
            pngLevel: scale.pngLevel ?? 6
        )
    }
}

/// A short name for a state of something, the same on every run.
enum Fingerprint {
    /// FNV-1a of 64 bits, in hexadecimal: states are told apart, not protected.
    static func of(_ bytes: [UInt8], _ texts: String...) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in texts.reduce(bytes, { $0 + [0] + Array($1.utf8) }) {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return String(hash, radix: 16)
    }

    /// Whether `text` could be a fingerprint: 1 to 16 hexadecimal digits.
    static func isOne(_ text: String) -> Bool {
        (1...16).contains(text.utf8.count)
            && text.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }
}
