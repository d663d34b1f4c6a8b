// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Testing
import Voxels

@testable import PyramidService

/// Random numbers that are the same for one seed (SplitMix64).
private struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

struct LabelReductionTests {
    /// How a level is made.
    struct Making: Sendable, CustomStringConvertible {
        let method: Downsampling.Method
        let precision: Precision
        let sparse: Bool
        let factor: Extent3

        var rule: LevelRule {
            LevelRule(
                base: 0,
                stepFactor: factor,
                steps: 1,
                method: method,
                precision: precision,
                sparse: sparse
            )
        }

        var description: String { "\(method) \(precision) sparse: \(sparse) \(factor.entries)" }
    }

    static let makings: [Making] = [
        Extent3(2, 2, 2), Extent3(2, 2, 1), Extent3(1, 2, 2), Extent3(2, 1, 1), Extent3(1, 1, 2),
    ].flatMap { factor in
        [Precision.compat, .exact].flatMap { precision in
            [
                Making(method: .mode, precision: precision, sparse: false, factor: factor),
                Making(method: .mode, precision: precision, sparse: true, factor: factor),
                Making(method: .min, precision: precision, sparse: false, factor: factor),
                Making(method: .max, precision: precision, sparse: false, factor: factor),
                Making(method: .stride, precision: precision, sparse: false, factor: factor),
            ]
        }
    }

    /// Labels in runs and patches, as bytes.
    private func labels(
        _ box: Box3,
        _ type: VoxelType,
        channels: Int,
        _ pool: [UInt64],
        _ random: inout SeededRandom
    ) throws -> BoxVoxels {
        let voxels = try BoxVoxels(box, channels: channels, width: type.byteWidth)
        let (extent, isNoise) = (box.extent, Bool.random(using: &random))
        for voxel in 0..<voxels.bytes.count / type.byteWidth {
            let (x, y, z) = (voxel % extent.x, voxel / extent.x % extent.y, voxel / extent.x / extent.y)
            let place =
                isNoise
                ? Int.random(in: pool.indices, using: &random)
                : (x / 3 + y / 5 + z / 4 + x * y / 17) % pool.count
            for byte in 0..<type.byteWidth {
                voxels.bytes[voxel * type.byteWidth + byte] = UInt8(
                    truncatingIfNeeded: pool[place] >> UInt64(8 * byte)
                )
            }
        }
        return voxels
    }

    private func pool(_ count: Int, _ type: VoxelType, _ random: inout SeededRandom) -> [UInt64] {
        var labels: Set<UInt64> = Bool.random(using: &random) ? [0] : []
        while labels.count < count {
            let most: UInt64 = type == .uint32 ? 0xFFFF_FFFF : .max
            labels.insert(.random(in: 1...(Bool.random(using: &random) ? 900 : most), using: &random))
        }
        return labels.sorted().shuffled(using: &random)
    }

    @Test("Chunks of labels are the same bytes with their voxels and without", arguments: makings)
    func sameBytes(making: Making) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        let factor = making.factor
        // Three of them each time, in every making others.
        let counts = [1, 2, 3, 16, 17, 60, 256, 257, 500].shuffled(using: &random).prefix(3)
        for (round, count) in counts.enumerated() {
            let type: VoxelType = Bool.random(using: &random) ? .uint64 : .uint32
            let channels = 1 + round % 2
            let format = try ChunkFormat(encoding: .compressedSegmentation, type: type, channels: channels)
            // Parents of 16, the last one of 8, not at the begin of coordinates.
            let begin = Extent3(-16 * factor.x, 16 * factor.y, 0)
            var sourceBox = Box3(begin: begin, end: begin)
            for axis in 0..<3 { sourceBox.end[axis] += factor[axis] == 2 ? 32 : 24 }
            let box = sourceBox.downsampled(by: factor)
            let pool = pool(count, type, &random)
            let all = try labels(sourceBox, type, channels: channels, pool, &random)
            let reduction = BoxReduction(rule: making.rule, type: type, channels: channels)
            let want = try reduction.reduce(all, to: box) { false }
            let parents = chunks(of: sourceBox)
            let formats = LevelFormats(base: format, made: format)
            let canBe = LabelReduction(making.rule, formats, to: box, parents: parents) != nil
            #expect(canBe, "\(making), \(box)")
            let one = try ParentReduction(reduction, formats, to: box, of: sourceBox, parents: parents)
            for parent in parents.shuffled(using: &random) {
                let voxels = try BoxVoxels(parent, channels: channels, width: type.byteWidth)
                voxels.copy(from: UnsafeRawBufferPointer(all.bytes), of: sourceBox)
                let chunk = try format.encode(UnsafeRawBufferPointer(voxels.bytes), extent: parent.extent)
                try chunk.withUnsafeBytes { try one.take(.encoded($0), of: parent, "") { false } }
            }
            let expected = try format.encode(UnsafeRawBufferPointer(want.bytes), extent: box.extent)
            #expect(
                try one.encoded { false } == expected,
                "seed \(seed): \(making), \(type), \(count) labels"
            )
        }
    }

    @Test("Parents that are missing are zeros, before and after one that needs voxels")
    func missing() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        let making = Making(method: .mode, precision: .exact, sparse: false, factor: Extent3(2, 2, 2))
        let format = try ChunkFormat(encoding: .compressedSegmentation, type: .uint64)
        let sourceBox = Box3(begin: Extent3(0, 0, 0), end: Extent3(64, 16, 16))
        let box = sourceBox.downsampled(by: making.factor)
        let reduction = BoxReduction(rule: making.rule, type: .uint64, channels: 1)
        let parents = chunks(of: sourceBox)
        let formats = LevelFormats(base: format, made: format)
        for absent in 0..<parents.count {
            // The second one has more labels than bytes can tell.
            let all = try BoxVoxels(sourceBox, channels: 1, width: 8)
            all.clear()
            let one = try ParentReduction(reduction, formats, to: box, of: sourceBox, parents: parents)
            for (number, parent) in parents.enumerated() {
                if number == absent {
                    try one.take(.absent, of: parent, "") { false }
                    continue
                }
                let pool = number == 1 ? (1...600).map { UInt64($0) } : [7, 0, 9]
                let voxels = try labels(parent, .uint64, channels: 1, pool, &random)
                all.copy(from: UnsafeRawBufferPointer(voxels.bytes), of: parent)
                let chunk = try format.encode(UnsafeRawBufferPointer(voxels.bytes), extent: parent.extent)
                try chunk.withUnsafeBytes { try one.take(.encoded($0), of: parent, "") { false } }
            }
            let want = try reduction.reduce(all, to: box) { false }
            let expected = try format.encode(UnsafeRawBufferPointer(want.bytes), extent: box.extent)
            #expect(try one.encoded { false } == expected, "seed \(seed)")
        }
    }

    @Test("Averages, other factors, cut blocks and shifted parents are made of voxels")
    func seams() throws {
        let format = try ChunkFormat(encoding: .compressedSegmentation, type: .uint64)
        let formats = LevelFormats(base: format, made: format)
        func isMade(
            _ method: Downsampling.Method,
            _ factor: Extent3,
            _ parent: Box3,
            _ box: Box3
        ) -> Bool {
            let making = Making(method: method, precision: .exact, sparse: false, factor: factor)
            return LabelReduction(making.rule, formats, to: box, parents: [parent]) != nil
        }
        let (two, zero) = (Extent3(2, 2, 2), Extent3(0, 0, 0))
        let box = Box3(begin: zero, end: Extent3(16, 16, 16))
        let parent = Box3(begin: zero, end: Extent3(32, 32, 32))
        #expect(isMade(.mode, two, parent, box))
        #expect(!isMade(.average, two, parent, box))
        #expect(!isMade(.median, two, parent, box))
        #expect(!isMade(.mode, Extent3(4, 4, 4), parent, box))
        #expect(!isMade(.mode, two, parent, Box3(begin: zero, end: Extent3(16, 16, 15))))
        #expect(!isMade(.mode, two, Box3(begin: zero, end: Extent3(32, 32, 30)), box))
        // Beyond the chunk, between two boxes, and across two blocks of it.
        for shift in [8, 1, -2] {
            let begin = Extent3(shift, 0, 0)
            let shifted = Box3(begin: begin, end: Extent3(32 + shift, 32, 32))
            #expect(!isMade(.mode, two, shifted, box))
        }
        #expect(!isMade(.mode, two, Box3(begin: Extent3(2, 0, 0), end: Extent3(10, 8, 8)), box))
        #expect(isMade(.mode, two, Box3(begin: Extent3(8, 0, 0), end: Extent3(16, 8, 8)), box))
    }

    @Test("A parent that is broken is named with the reason")
    func broken() throws {
        let making = Making(method: .mode, precision: .exact, sparse: false, factor: Extent3(2, 2, 2))
        let format = try ChunkFormat(encoding: .compressedSegmentation, type: .uint64)
        let parent = Box3(begin: Extent3(0, 0, 0), end: Extent3(16, 16, 16))
        let one = try ParentReduction(
            BoxReduction(rule: making.rule, type: .uint64, channels: 1),
            LevelFormats(base: format, made: format),
            to: parent.downsampled(by: making.factor),
            of: parent,
            parents: [parent]
        )
        // One channel, eight blocks of 33 bits.
        let words: [UInt32] = [1] + Array(repeating: 33 << 24, count: 20)
        let chunk = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) }
        }
        let error = #expect(throws: ServiceError.self) {
            try chunk.withUnsafeBytes { try one.take(.encoded($0), of: parent, "8_8_8/0-16") { false } }
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("8_8_8/0-16") && text.contains("33 bits"))
    }

    private func chunks(of bounds: Box3) -> [Box3] {
        var boxes = [bounds]
        for axis in 0..<3 {
            boxes = boxes.flatMap { box in
                stride(from: box.begin[axis], to: box.end[axis], by: 16).map { begin in
                    var part = box
                    part.begin[axis] = begin
                    part.end[axis] = min(box.end[axis], begin + 16)
                    return part
                }
            }
        }
        return boxes
    }
}
