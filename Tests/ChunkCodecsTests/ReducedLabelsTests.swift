// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

@Suite struct ReducedLabelsTests {
    /// A rule that looks at equality, order and zero, for labels and for their ranks.
    enum Rule: CaseIterable {
        case first, least, most, firstNotZero

        func choose<Value: FixedWidthInteger>(_ box: [Value]) -> Value {
            switch self {
            case .first: box[0]
            case .least: box.min() ?? 0
            case .most: box.max() ?? 0
            case .firstNotZero: box.first { $0 != 0 } ?? 0
            }
        }
    }

    static func format(_ type: VoxelType, channels: Int) throws -> ChunkFormat {
        try SegmentationTests.format(type, channels: channels, block: Extent3(8, 8, 8))
    }

    /// Reduces a batch byte by byte.
    static func reduce(
        _ rule: Rule,
        _ factor: Extent3,
        _ boxes: Int,
        _ ranks: UnsafeRawBufferPointer,
        _ result: UnsafeMutableRawBufferPointer
    ) {
        #expect(ranks.count == boxes * factor.x * factor.y * factor.z && result.count == boxes)
        for box in 0..<boxes {
            var voxels: [UInt8] = []
            for z in 0..<factor.z {
                for y in 0..<factor.y {
                    for x in 0..<factor.x {
                        voxels.append(ranks[box * factor.x + x + boxes * factor.x * (y + factor.y * z)])
                    }
                }
            }
            result[box] = rule.choose(voxels)
        }
    }

    /// What is made of the labels of a chunk, channel by channel.
    static func reduced(
        _ voxels: [UInt64],
        _ extent: Extent3,
        channels: Int,
        _ factor: Extent3,
        _ rule: Rule
    ) -> [UInt64] {
        var result: [UInt64] = []
        let size = extent.x * extent.y * extent.z
        for channel in 0..<channels {
            for z in stride(from: 0, to: extent.z, by: factor.z) {
                for y in stride(from: 0, to: extent.y, by: factor.y) {
                    for x in stride(from: 0, to: extent.x, by: factor.x) {
                        var box: [UInt64] = []
                        for c in z..<z + factor.z {
                            for b in y..<y + factor.y {
                                for a in x..<x + factor.x {
                                    box.append(voxels[channel * size + a + extent.x * (b + extent.y * c)])
                                }
                            }
                        }
                        result.append(rule.choose(box))
                    }
                }
            }
        }
        return result
    }

    /// Voxels in patches, of so many labels of `pool` a block.
    static func voxels(_ extent: Extent3, channels: Int, _ pool: [UInt64], _ random: inout SeededRandom)
        -> [UInt64]
    {
        var voxels: [UInt64] = []
        let isNoise = Bool.random(using: &random)
        let (a, b) = (Int.random(in: 1...9, using: &random), Int.random(in: 1...9, using: &random))
        for voxel in 0..<extent.x * extent.y * extent.z * channels {
            let (x, y) = (voxel % extent.x, voxel / extent.x % extent.y)
            let place =
                isNoise
                ? Int.random(in: pool.indices, using: &random) : (x / a + y / b + voxel / 700) % pool.count
            voxels.append(pool[place])
        }
        return voxels
    }

    /// Few labels, small and large ones, with 0 in half of the cases.
    static func pool(_ count: Int, _ type: VoxelType, _ random: inout SeededRandom) -> [UInt64] {
        var labels: Set<UInt64> = Bool.random(using: &random) ? [0] : []
        while labels.count < count {
            let label = UInt64.random(in: 1...UInt64.max, using: &random)
            labels.insert(
                Bool.random(using: &random)
                    ? label % 1_000 + 1 : label & (type == .uint32 ? 0xFFFF_FFFF : .max)
            )
        }
        return labels.shuffled(using: &random)
    }

    static func bytes(of voxels: [UInt64], _ type: VoxelType) -> [UInt8] {
        voxels.flatMap { littleEndian($0).prefix(type.byteWidth) }
    }

    @Test(
        "What is made of the ranks of blocks is what is made of their labels, whatever tables are like",
        arguments: [
            Extent3(1, 1, 1), Extent3(2, 2, 2), Extent3(2, 2, 1), Extent3(1, 2, 2), Extent3(2, 1, 1),
        ],
        [1, 2, 3, 4, 5, 15, 16, 17, 100, 255, 256]
    )
    func ranks(factor: Extent3, labels: Int) throws {
        let seed = newSeed()
        var random = SeededRandom(seed: seed)
        let turn = Int.random(in: 0...1, using: &random)
        for (number, type) in [VoxelType.uint32, .uint64].enumerated() {
            // Each rule is every other time's.
            for (place, rule) in Rule.allCases.enumerated() where (place + number + turn) % 2 == 0 {
                let channels = place % 2 + 1
                let format = try Self.format(type, channels: channels)
                let parent = Extent3(16, 16, 16)
                // Two parents along x.
                let extent = Extent3(32 / factor.x, 16 / factor.y, 16 / factor.z)
                guard ReducedLabels.hasWholeBlocks(extent),
                    var made = ReducedLabels(
                        from: format,
                        to: format,
                        factor: factor,
                        extent: extent,
                        keepsZero: rule == .firstNotZero
                    )
                else {
                    Issue.record("blocks of 8 go into each other")
                    return
                }
                let writer = StrangeSegmentation(
                    extent: parent,
                    channels: channels,
                    labelWords: type.byteWidth / 4
                )
                let pool = Self.pool(labels, type, &random)
                var want = [UInt64](repeating: 0, count: extent.x * extent.y * extent.z * channels)
                for half in 0..<2 {
                    let voxels = Self.voxels(parent, channels: channels, pool, &random)
                    let chunk = writer.chunk(voxels, using: &random)
                    #expect(try format.decoded(chunk, parent) == Self.bytes(of: voxels, type))
                    let boxes = made.batchBoxCount
                    let isTaken = try chunk.withUnsafeBytes { chunk in
                        try made.take(chunk, extent: parent, at: Extent3(half * 16 / factor.x, 0, 0)) {
                            Self.reduce(rule, factor, boxes, $0, $1)
                        }
                    }
                    // Only what has no room for a rank of 0 is left to others.
                    guard isTaken else {
                        #expect(labels >= 255, "seed \(seed)")
                        return
                    }
                    let part = Self.reduced(voxels, parent, channels: channels, factor, rule)
                    let width = extent.x / 2
                    for (voxel, label) in part.enumerated() {
                        want[voxel % width + half * width + voxel / width * extent.x] = label
                    }
                }
                let bytes = Self.bytes(of: want, type)
                let what = "seed \(seed): \(type), \(rule), \(channels) channels"
                #expect(try made.encoded() == format.encoded(bytes, extent), "\(what)")
                var written = [UInt8](repeating: 0xA5, count: bytes.count)
                written.withUnsafeMutableBytes { made.write(to: $0) }
                #expect(written == bytes, "\(what)")
            }
        }
    }

    @Test("What nothing was made of is zeros")
    func zeros() throws {
        for type in [VoxelType.uint32, .uint64] {
            let format = try Self.format(type, channels: 2)
            let extent = Extent3(16, 8, 8)
            let made = ReducedLabels(
                from: format,
                to: format,
                factor: Extent3(2, 2, 2),
                extent: extent,
                keepsZero: false
            )
            let zeros = [UInt8](repeating: 0, count: 2 * 1_024 * type.byteWidth)
            #expect(try made?.encoded() == format.encoded(zeros, extent))
        }
    }

    @Test("Only whole blocks of 8 x 8 x 8 of the same labels go into each other")
    func seams() throws {
        let format = try Self.format(.uint64, channels: 1)
        let others = [
            try Self.format(.uint32, channels: 1), try Self.format(.uint64, channels: 2),
            try SegmentationTests.format(.uint64, block: Extent3(8, 8, 4)),
            try ChunkFormat(encoding: .raw, type: .uint64),
        ]
        func isMade(_ target: ChunkFormat, _ factor: Extent3, _ extent: Extent3) -> Bool {
            ReducedLabels(from: format, to: target, factor: factor, extent: extent, keepsZero: false) != nil
        }
        let (factor, extent) = (Extent3(2, 2, 2), Extent3(8, 16, 8))
        #expect(isMade(format, factor, extent))
        for other in others { #expect(!isMade(other, factor, extent)) }
        for wrong in [Extent3(3, 2, 2), Extent3(2, 4, 1), Extent3(2, 0, 2), Extent3(2, 2, -1)] {
            #expect(!isMade(format, wrong, extent))
        }
        for wrong in [Extent3(8, 12, 8), Extent3(0, 8, 8), Extent3(8, 8, -8), Extent3(8, 8, .max & ~7)] {
            #expect(!isMade(format, factor, wrong))
        }
    }

    @Test("Indices of 16 bits and more are left to others")
    func wide() throws {
        let format = try Self.format(.uint64, channels: 1)
        let extent = Extent3(8, 8, 8)
        let voxels = (0..<512).map { UInt64($0) }
        let chunk = try format.encoded(Self.bytes(of: voxels, .uint64), extent)
        var made = ReducedLabels(
            from: format,
            to: format,
            factor: Extent3(1, 1, 1),
            extent: extent,
            keepsZero: false
        )
        let isTaken = try chunk.withUnsafeBytes {
            try made?.take($0, extent: extent, at: Extent3(0, 0, 0)) { _, _ in }
        }
        #expect(isTaken == false)
    }

    @Test("A broken chunk is refused as it is elsewhere, or read to the same labels")
    func broken() throws {
        let seed = newSeed()
        var random = SeededRandom(seed: seed)
        let extent = Extent3(16, 8, 8)
        var refused = 0
        for round in 0..<700 {
            let type: VoxelType = round % 2 == 0 ? .uint32 : .uint64
            let channels = round % 3 == 0 ? 2 : 1
            let format = try Self.format(type, channels: channels)
            let writer = StrangeSegmentation(
                extent: extent,
                channels: channels,
                labelWords: type.byteWidth / 4
            )
            let pool = Self.pool([1, 2, 3, 9, 40].randomElement(using: &random) ?? 1, type, &random)
            let voxels = Self.voxels(extent, channels: channels, pool, &random)
            var chunk = writer.chunk(voxels, using: &random)
            if round % 5 == 0 {
                chunk = chunk.mutated(using: &random)
            } else {
                // In the headers, mostly.
                for _ in 0..<2 {
                    let place = Int.random(in: 0..<min(chunk.count, 40), using: &random)
                    chunk[place] = .random(in: 0...255, using: &random)
                }
                if Bool.random(using: &random) {
                    chunk.removeLast(4 * Int.random(in: 0..<chunk.count / 4, using: &random))
                }
            }
            guard
                var made = ReducedLabels(
                    from: format,
                    to: format,
                    factor: Extent3(1, 1, 1),
                    extent: extent,
                    keepsZero: round % 7 == 0
                )
            else { continue }
            let result = chunk.withUnsafeBytes { chunk in
                Result { () throws(ChunkCodecError) in
                    try made.take(chunk, extent: extent, at: Extent3(0, 0, 0)) { ranks, reduced in
                        reduced.copyMemory(from: ranks)
                    }
                }
            }
            switch result {
            case .failure(let error):
                refused += 1
                #expect(format.refusal(chunk, extent) == error, "seed \(seed), round \(round)")
            case .success(true):
                let want = try format.decoded(chunk, extent)
                var written = [UInt8](repeating: 0, count: want.count)
                written.withUnsafeMutableBytes { made.write(to: $0) }
                #expect(written == want, "seed \(seed), round \(round)")
                #expect(try made.encoded() == format.encoded(want, extent), "seed \(seed), round \(round)")
            case .success(false):
                continue
            }
        }
        #expect(refused > 70 && refused < 650, "both happen: \(refused)")
    }
}
