// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@testable import Volumes

@Suite struct StoredShardTests {
    @Test(
        "Every chunk of a shard that tensorstore wrote is found, and those it left out are not",
        arguments: ShardFixture.all.indices
    )
    func chunks(index: Int) throws {
        let fixture = ShardFixture.all[index]
        let scale = try VolumeInfo(json: Array(fixture.info.utf8)).scales[0]
        let spec = try #require(scale.sharding)
        let files = fixture.files.mapValues(bytes(ofHexadecimal:))
        var used: Set<String> = []
        var found = 0
        for cell in BoxPositions(scale.grid.allCells) {
            let place = spec.place(of: cell, gridCells: scale.grid.cells)
            let expected = Self.rawChunk(scale.grid.box(cell), from: scale.bounds.begin)
            let chunk = try files[place.fileName].flatMap { try Self.chunk(in: $0, at: place, spec) }
            if expected.allSatisfy({ $0 == 0 }) {
                #expect(chunk == nil)
            } else {
                #expect(chunk == expected, "cell \(cell)")
                found += 1
                used.insert(place.fileName)
            }
        }
        #expect(found == 26)
        #expect(used == Set(files.keys))
    }

    @Test("A sharding is written as it was read", arguments: ShardFixture.all.indices)
    func roundTrip(index: Int) throws {
        let info = try VolumeInfo(json: Array(ShardFixture.all[index].info.utf8))
        #expect(try VolumeInfo(json: info.json()) == info)
    }

    private static func chunk(in file: [UInt8], at place: ShardPlace, _ spec: ShardingSpec) throws -> [UInt8]?
    {
        let entry = Array(file[spec.shardIndexByteRange(minishard: place.minishard)])
        guard let range = try spec.minishardIndexByteRange(entry: entry.span, minishard: place.minishard)
        else { return nil }
        let index = try MinishardIndex(Array(file[range]).span, spec: spec, limit: 27)
        return index.byteRange(of: place.chunkID).map { Array(file[$0]) }
    }

    /// What Tests/Data/make_shards.py put there.
    private static func rawChunk(_ box: Box3, from origin: Extent3) -> [UInt8] {
        BoxPositions(box).map { position in
            let (x, y, z) = (position.x - origin.x, position.y - origin.y, position.z - origin.z)
            let isLeftOut = (4..<8).contains(x) && y < 4 && (2..<4).contains(z)
            return isLeftOut ? 0 : UInt8(1 + (x + 7 * y + 31 * z) % 255)
        }
    }
}

private func bytes(ofHexadecimal text: String) -> [UInt8] {
    let digits = Array(text.utf8).map { $0 < 0x40 ? $0 - 0x30 : $0 - 0x61 + 10 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
