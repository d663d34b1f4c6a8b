// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@testable import Volumes

@Suite struct LevelPlannerTests {
    static func plan(
        _ info: VolumeInfo,
        _ factor: FactorRule = .fixed(Extent3(2, 2, 1)),
        _ mips: MipsRule = .all,
        encoding: ChunkEncoding? = nil,
        chunk: Extent3? = nil
    ) throws(InfoError) -> [MadeScale] {
        let request = LevelRequest(factor: factor, mips: mips, encoding: encoding, chunkExtent: chunk)
        return try LevelPlanner.plan(info, request)
    }

    @Test("Bounds are rounded outwards from position 0, voxels grow by the factor")
    func geometry() throws {
        let info = try VolumeInfo(json: InfoText.root([:]))
        let made = try Self.plan(info, .fixed(Extent3(2, 2, 1)), .count(3))
        #expect(made.map(\.scale.key) == ["32_32_40", "64_64_40", "128_128_40"])
        // From the source's last scale on, [-35, 67) x [6, 82) x [5, 72).
        #expect(made[0].scale.bounds == Box3(begin: Extent3(-18, 3, 5), end: Extent3(34, 41, 72)))
        #expect(made[1].scale.bounds == Box3(begin: Extent3(-9, 1, 5), end: Extent3(17, 21, 72)))
        #expect(made[2].scale.bounds == Box3(begin: Extent3(-5, 0, 5), end: Extent3(9, 11, 72)))
        #expect(made[2].scale.voxelSize == VoxelSize(128, 128, 40))
        #expect(made.allSatisfy { $0.factor == Extent3(2, 2, 1) })
    }

    @Test("What a voxel is made of is what exists of its block in the level before")
    func sourceBox() throws {
        let info = try VolumeInfo(json: InfoText.root([:]))
        let made = try Self.plan(info, .fixed(Extent3(2, 2, 1)), .count(1))[0]
        let source = info.scales[1].bounds
        let corner = made.scale.grid.box(Extent3(0, 0, 0))
        #expect(corner == Box3(begin: Extent3(-18, 3, 5), end: Extent3(34, 41, 69)))
        let box = corner.upsampled(by: made.factor).intersection(source)
        #expect(box == Box3(begin: Extent3(-35, 6, 5), end: Extent3(67, 82, 69)))
        let voxel = Box3(begin: Extent3(-18, 3, 6), end: Extent3(-17, 4, 7))
        #expect(
            voxel.upsampled(by: made.factor).intersection(source)
                == Box3(begin: Extent3(-35, 6, 6), end: Extent3(-34, 8, 7))
        )
    }

    @Test(
        "Automatic factors make voxels into cubes",
        arguments: [
            (VoxelSize(8, 8, 40), [[2, 2, 1], [2, 2, 1], [2, 2, 2], [2, 2, 2]]),
            (VoxelSize(4, 4, 40), [[2, 2, 1], [2, 2, 1], [2, 2, 1], [2, 2, 2], [2, 2, 2]]),
            (VoxelSize(8, 8, 8), [[2, 2, 2], [2, 2, 2]]),
            (VoxelSize(16, 16, 40), [[2, 2, 1], [2, 2, 2]]),
            (VoxelSize(1, 1, 1), [[2, 2, 2], [2, 2, 2]]),
            (VoxelSize(8, 8, 12), [[2, 2, 1], [2, 2, 2], [2, 2, 2]]),
            (VoxelSize(40, 8, 8), [[1, 2, 2], [1, 2, 2], [2, 2, 2]]),
            (VoxelSize(400, 406.25, 1000), [[2, 2, 1], [2, 2, 2]]),
        ] as [(VoxelSize, [[Int]])]
    )
    func auto(voxelSize: VoxelSize, factors: [[Int]]) throws {
        let info = volume(size: Extent3(repeating: 100_000), voxelSize: voxelSize)
        let made = try Self.plan(info, .auto, .count(factors.count))
        #expect(made.map(\.factor.entries) == factors)
    }

    @Test("Automatic factors never touch an axis that cannot get shorter, and end at one voxel")
    func autoEnds() throws {
        let flat = volume(size: Extent3(1000, 1000, 1), voxelSize: VoxelSize(8, 8, 8))
        #expect(
            try Self.plan(flat, .auto, .count(3)).map(\.factor)
                == Array(repeating: Extent3(2, 2, 1), count: 3)
        )
        // The one slice is the finest axis, but it is no measure.
        let thin = volume(size: Extent3(1000, 1000, 1), voxelSize: VoxelSize(8, 8, 1))
        #expect(try Self.plan(thin, .auto, .count(1))[0].factor == Extent3(2, 2, 1))
        let small = volume(size: Extent3(4, 4, 4), voxelSize: VoxelSize(1, 1, 1))
        let made = try Self.plan(small, .auto, .count(20))
        #expect(made.map(\.scale.bounds.extent) == [Extent3(2, 2, 2), Extent3(1, 1, 1)])
    }

    @Test("All mips are those until the level fits into one chunk along what is shortened")
    func all() throws {
        let made = try Self.plan(volume(size: Extent3(1000, 600, 100)))
        #expect(made.map(\.scale.bounds.extent.x) == [500, 250, 125, 63])
        let auto = try Self.plan(volume(size: Extent3(1000, 600, 300)), .auto)
        #expect(auto.last?.scale.grid.cellCount == 1)
        #expect(auto.dropLast().allSatisfy { $0.scale.grid.cellCount > 1 })
        #expect(try Self.plan(volume(size: Extent3(64, 64, 5000))).isEmpty)
        #expect(try Self.plan(volume(size: Extent3(64, 64, 64)), .auto).isEmpty)
    }

    @Test("Two voxels on either side of position 0 stay two, and no levels are made for them")
    func aroundZero() throws {
        let chunk = Extent3(1, 1, 1)
        let info = volume(size: Extent3(4, 4, 4), offset: Extent3(-2, -2, -2), chunk: chunk)
        for rule in [FactorRule.auto, .fixed(Extent3(2, 2, 2))] {
            let made = try Self.plan(info, rule)
            #expect(made.last?.scale.bounds == Box3(begin: Extent3(-1, -1, -1), end: Extent3(1, 1, 1)))
        }
        #expect(try Self.plan(info, .fixed(Extent3(2, 2, 2))).count == 1)
    }

    @Test("A count is made exactly, however small levels get")
    func count() throws {
        let made = try Self.plan(volume(size: Extent3(4, 4, 4)), .fixed(Extent3(2, 2, 1)), .count(5))
        #expect(made.count == 5)
        #expect(made[4].scale.bounds.extent == Extent3(1, 1, 4))
        #expect(made[4].scale.key == "256_256_40")
        #expect(try Self.plan(volume(), .auto, .count(0)).isEmpty)
        #expect(try Self.plan(volume(), .fixed(Extent3(2, 1, 1)), .count(32)).count == 32)
    }

    @Test("Keys are the voxel size in shortest form, and each is used once")
    func keys() throws {
        let half = try Self.plan(
            volume(voxelSize: VoxelSize(0.25, 4.1, 1e-5)),
            .fixed(Extent3(2, 1, 1)),
            .count(2)
        )
        #expect(half.map(\.scale.key) == ["0.5_4.1_1e-05", "1_4.1_1e-05"])
        #expect(VoxelSize(1e20, 8, 8).key == "1e20_8_8")
        let taken = try Self.plan(volume(key: "16_16_40"), .fixed(Extent3(2, 2, 1)), .count(2))
        #expect(taken.map(\.scale.key) == ["16_16_40_mip1", "32_32_40"])
    }

    @Test("Levels keep encoding, chunk and blocks of the source's last scale, and nothing of its sharding")
    func kept() throws {
        var info = volume(kind: .segmentation, type: .uint64, encoding: .compressedSegmentation)
        info.scales[0].sharding = ShardingSpec(
            preshiftBits: 0,
            hash: .identity,
            minishardBits: 0,
            shardBits: 0
        )
        info.scales[0].chunkExtents = [Extent3(64, 64, 32)]
        info.scales[0].others = ["locked": .bool(true)]
        info.scales[0].isHidden = true
        let scale = try Self.plan(info)[0].scale
        #expect(scale.encoding == .compressedSegmentation && scale.blockExtent == Extent3(8, 8, 4))
        #expect(scale.chunkExtents == [Extent3(64, 64, 32)])
        #expect(scale.sharding == nil && scale.others.isEmpty && !scale.isHidden)
    }

    @Test("Another encoding or chunk may be asked for")
    func asked() throws {
        let labels = volume(kind: .segmentation, type: .uint32)
        let scale = try Self.plan(labels, encoding: .compressedSegmentation, chunk: Extent3(32, 32, 32))[0]
            .scale
        #expect(scale.blockExtent == Extent3(8, 8, 8) && scale.chunkExtents == [Extent3(32, 32, 32)])
        var jpeg = volume(encoding: .jpeg)
        jpeg.scales[0].jpegQuality = 90
        #expect(try Self.plan(jpeg)[0].scale.jpegQuality == 90)
        #expect(try Self.plan(jpeg, encoding: .png)[0].scale.jpegQuality == nil)
    }

    @Test(
        "A factor that is no factor is refused",
        arguments: [
            Extent3(1, 1, 1), Extent3(2, 0, 1), Extent3(2, -2, 1), Extent3(65, 2, 1), Extent3(.max, 1, 1),
        ]
    )
    func wrongFactors(factor: Extent3) {
        let error = #expect(throws: InfoError.self) { try Self.plan(volume(), .fixed(factor)) }
        #expect(
            error?.message.hasPrefix("`factor` is \(factor.x),\(factor.y),\(factor.z); allowed: ") == true
        )
    }

    @Test("A count that is no count is refused", arguments: [-1, 33, .max, .min])
    func wrongCounts(count: Int) {
        #expect(throws: InfoError.cannotPlan("`mips` is \(count); allowed: 0 to 32, or all")) {
            try Self.plan(volume(), .auto, .count(count))
        }
    }

    @Test(
        "A chunk that is no chunk is refused",
        arguments: [
            Extent3(0, 64, 64), Extent3(64, -1, 64), Extent3(1024, 1024, 1024), Extent3(repeating: .max),
        ]
    )
    func wrongChunks(chunk: Extent3) {
        let error = #expect(throws: InfoError.self) { try Self.plan(volume(), chunk: chunk) }
        #expect(error?.message.hasPrefix("`chunk_size` is \(chunk.x),") == true)
    }

    @Test(
        "An encoding that cannot be written is refused",
        arguments: [
            (.jpeg, .image, .uint16, 1), (.jpeg, .image, .uint8, 2), (.jpeg, .segmentation, .uint8, 1),
            (.png, .image, .float32, 1), (.compressedSegmentation, .segmentation, .uint8, 1),
            (.jxl, .image, .uint8, 1), (.compresso, .segmentation, .uint64, 1),
        ] as [(ChunkEncoding, VolumeKind, VoxelType, Int)]
    )
    func wrongEncodings(encoding: ChunkEncoding, kind: VolumeKind, type: VoxelType, channels: Int) {
        let info = volume(kind: kind, type: type, channels: channels)
        let error = #expect(throws: InfoError.self) { try Self.plan(info, encoding: encoding) }
        #expect(error?.message.hasPrefix("`encoding` is \(encoding.rawValue); allowed: ") == true)
    }

    @Test("A JPEG picture must not get too high in either layout")
    func largeJPEG() throws {
        #expect(throws: InfoError.self) {
            try Self.plan(volume(), encoding: .jpeg, chunk: Extent3(512, 512, 512))
        }
        #expect(try !Self.plan(volume(), encoding: .jpeg, chunk: Extent3(255, 256, 255)).isEmpty)
    }

    @Test(
        "A source whose last scale cannot be read is passed on, but nothing is made of it",
        arguments: [ChunkEncoding.jxl, .compresso]
    )
    func unreadable(encoding: ChunkEncoding) throws {
        let info = volume(encoding: encoding)
        let error = #expect(throws: InfoError.self) { try Self.plan(info, encoding: .raw) }
        #expect(
            error?.message.contains("scales[0]") == true && error?.message.contains(encoding.rawValue) == true
        )
        #expect(try Self.plan(info, .auto, .count(0)).isEmpty)
    }

    @Test("Levels never make a volume of more scales than can be read")
    func mostScales() throws {
        var info = volume(size: Extent3(1 << 40, 1, 1), voxelSize: VoxelSize(1, 1, 1))
        info.scales = Array(repeating: info.scales[0], count: VolumeInfo.maxScales - 3)
        #expect(try Self.plan(info, .fixed(Extent3(2, 1, 1))).count == 3)
        #expect(throws: InfoError.cannotPlan("`mips` is 4; allowed: 0 to 3, or all")) {
            try Self.plan(info, .fixed(Extent3(2, 1, 1)), .count(4))
        }
        let far = volume(voxelSize: VoxelSize(1e30, 1, 1))
        #expect(throws: InfoError.self) { try Self.plan(far, .fixed(Extent3(2, 1, 1)), .count(1)) }
    }
}
