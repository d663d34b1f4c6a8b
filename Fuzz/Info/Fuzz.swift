// SPDX-License-Identifier: Apache-2.0
import FuzzSupport
import Volumes
import Voxels

/// Input: an `info`; or, by its first byte, something that follows from one: 0 a chunk name, 1 the entry of a shard
/// index, 2 a minishard index, 3 a path of OME-Zarr.
///
/// Shows that each is taken or refused in words, and that what is taken keeps its promises: an `info` reads back as
/// itself, grids partition their bounds, levels can be planned and announced, names and ranges are in their bounds.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzInfo(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    switch bytes.first {
    case 0: checkName(Array(bytes.dropFirst()))
    case 1: checkShardIndex(Array(bytes.dropFirst()))
    case 2: checkMinishardIndex(Array(bytes.dropFirst()))
    case 3: checkPath(String(decoding: bytes.dropFirst(), as: UTF8.self))
    default: checkInfo(bytes)
    }
    return 0
}

private func checkInfo(_ bytes: [UInt8]) {
    let info: VolumeInfo
    do throws(InfoError) {
        info = try VolumeInfo(json: bytes)
    } catch {
        requireSentence(error.message, longest: 1_000)
        return
    }
    let written = info.json()
    requireReadsBack(info, written)
    for scale in info.scales { scale.grids.forEach(checkGrid) }
    let requests = [
        LevelRequest(factor: .auto), LevelRequest(factor: .auto, mips: .count(3), encoding: .raw),
        LevelRequest(encoding: .png), LevelRequest(mips: .count(32), encoding: .jpeg),
        LevelRequest(encoding: .compressedSegmentation),
    ]
    for request in requests { checkLevels(info, request) }
}

private func requireReadsBack(_ info: VolumeInfo, _ written: [UInt8]) {
    do throws(InfoError) {
        let again = try VolumeInfo(json: written, limit: .max)
        require(again == info, "reads back as another: \(String(decoding: written, as: UTF8.self))")
        require(again.json() == written, "is written in two ways")
    } catch {
        require(false, "our own info is refused: \(error.message)")
    }
}

private func checkLevels(_ info: VolumeInfo, _ request: LevelRequest) {
    let made: [MadeScale]
    do throws(InfoError) {
        made = try LevelPlanner.plan(info, request)
    } catch {
        requireSentence(error.message, longest: 1_000)
        return
    }
    var source = info.scales[info.scales.count - 1].bounds
    for level in made {
        let scale = level.scale
        let box = scale.bounds.upsampled(by: level.factor).intersection(source)
        require(box == source, "a level of \(scale.bounds) is made of \(box), not of \(source)")
        checkGrid(scale.grid)
        source = scale.bounds
    }
    let announced = AnnouncedScales(source: info, made: made)
    requireReadsBack(announced.info, announced.info.json())
    for (index, scale) in announced.info.scales.enumerated() {
        require(announced.index(ofKey: scale.key) == index, "the key \(scale.key) leads elsewhere")
        require(AnnouncedScales.isSafe(scale.key) && scale.sharding == nil, "announced as \(scale)")
    }
    let zarr = OMEZarr(announced.info, name: "fuzz")
    for level in zarr.levels {
        require(zarr.resource(at: "\(level)/.zarray") == .array(level: level), "level \(level) has no array")
    }
    require(zarr.metadata(.consolidated) != nil, "no metadata")
}

private func checkGrid(_ grid: ChunkGrid) {
    for number in Set([0, grid.cellCount / 2, grid.cellCount - 1]) {
        let cell = grid.cell(number: number)
        let box = grid.box(cell)
        require(grid.number(of: cell) == number && grid.cell(of: box) == cell, "cell \(cell) of \(grid)")
        require(grid.bounds.contains(box) && !box.isEmpty, "the box \(box) of \(grid)")
        require(ChunkName.parse(ChunkName.text(box)) == box, "the name \(ChunkName.text(box))")
        let covering = grid.cells(covering: box)
        require(covering.begin == cell && covering.extent.product == 1, "\(covering) covers \(box)")
        let spec = ShardingSpec(preshiftBits: 1, hash: .murmurHash3, minishardBits: 3, shardBits: 7)
        let place = spec.place(of: cell, gridCells: grid.cells)
        require((0..<8).contains(place.minishard) && place.fileName.utf8.count == 8, "\(place)")
    }
}

private func checkName(_ bytes: [UInt8]) {
    guard let box = ChunkName.parse(bytes.span) else { return }
    require(!box.isEmpty, "an empty chunk \(box)")
    require(ChunkName.text(box).utf8.elementsEqual(bytes), "\(box) has two names")
}

private func checkPath(_ path: String) {
    let bytes = Array(
        """
        {"type":"image","data_type":"uint8","num_channels":2,"scales":[{"key":"k","size":[90,70,50],\
        "resolution":[1,1,1],"chunk_sizes":[[32,16,8]],"encoding":"raw"}]}
        """.utf8
    )
    guard let info = try? VolumeInfo(json: bytes) else {
        require(false, "a plain info is refused")
        return
    }
    let zarr = OMEZarr(info, name: path)
    guard case .chunk(let level, let cell) = zarr.resource(at: Substring(path)) else { return }
    require(path == "\(level)/0/\(cell.z)/\(cell.y)/\(cell.x)", "\(cell) has two paths")
    require(info.scales[level].grid.contains(cell), "no cell \(cell)")
}

private func checkShardIndex(_ bytes: [UInt8]) {
    for bits in [0, 5, 32] {
        let spec = ShardingSpec(preshiftBits: 0, hash: .identity, minishardBits: bits, shardBits: 0)
        do throws(ShardError) {
            guard let range = try spec.minishardIndexByteRange(entry: bytes.span, minishard: 0) else {
                continue
            }
            require(
                range.lowerBound >= 16 << bits && !range.isEmpty && range.upperBound <= 1 << 62,
                "\(range)"
            )
        } catch {
            requireSentence(error.message, longest: 1_000)
        }
    }
}

private func checkMinishardIndex(_ bytes: [UInt8]) {
    let spec = ShardingSpec(preshiftBits: 0, hash: .identity, minishardBits: 2, shardBits: 0)
    do throws(ShardError) {
        let index = try MinishardIndex(bytes.span, spec: spec, limit: 64)
        require(index.count == bytes.count / 24 && index.count <= 64, "\(index.count) chunks")
        // Every number that the rows add up to is there.
        var chunkID: UInt64 = 0
        for chunk in 0..<index.count {
            for byte in 0..<8 { chunkID &+= UInt64(bytes[8 * chunk + byte]) << UInt64(8 * byte) }
            guard let range = index.byteRange(of: chunkID) else {
                require(false, "chunk \(chunkID) is lost")
                return
            }
            require(range.lowerBound >= 64 && range.upperBound <= 1 << 62, "\(range)")
        }
    } catch {
        requireSentence(error.message, longest: 1_000)
    }
}
