// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing
import Voxels

@Suite struct AnswerLayoutTests {
    struct Level {
        let description: AnswerLevel
        let voxels: [UInt8]
    }

    static func levels(_ order: MemoryOrder = .fortran) throws -> [Level] {
        var random = SeededRandom(seed: 6)
        return try [(2, [5, 4, 3]), (3, [3, 2, 3]), (7, [1, 1, 3])].map { mip, sizes in
            let level = AnswerLevel(mip: mip, type: .uint16, shape: try Shape(sizes), order: order)
            return Level(
                description: level,
                voxels: (0..<level.byteCount).map { _ in .random(in: 0...255, using: &random) }
            )
        }
    }

    /// The whole body, and which steps that are not bytes it took.
    static func body(_ layout: AnswerLayout, _ levels: [Level]) -> ([UInt8], [AnswerStep]) {
        var cursor = AnswerCursor(layout)
        var body: [UInt8] = []
        var steps: [AnswerStep] = []
        func voxels(_ mip: Int) -> [UInt8] { levels.first { $0.description.mip == mip }?.voxels ?? [] }
        while let step = cursor.next() {
            switch step {
            case .bytes(let bytes):
                #expect(!bytes.isEmpty)
                body += bytes
                continue
            case .level(let mip): body += voxels(mip)
            case .checksum(let mip): cursor.provide(CRC32.update(0, voxels(mip)), mip: mip)
            }
            steps.append(step)
        }
        #expect(cursor.next() == nil)
        return (body, steps)
    }

    static func npy(_ level: Level) -> [UInt8] {
        let d = level.description
        return NpyHeader.encoded(type: d.type, shape: d.shape, order: d.order) + level.voxels
    }

    @Test("A raw answer is the levels' voxels one after another")
    func raw() throws {
        let levels = try Self.levels()
        let layout = try AnswerLayout(.raw, levels: levels.map(\.description))
        let (body, steps) = Self.body(layout, levels)
        #expect(body == levels.flatMap(\.voxels))
        #expect(layout.byteCount == body.count)
        #expect(steps == [.level(mip: 2), .level(mip: 3), .level(mip: 7)])
        #expect(layout.contentType == "application/octet-stream")
    }

    @Test("An npy answer is the levels' arrays one after another", arguments: MemoryOrder.allCases)
    func npy(order: MemoryOrder) throws {
        let levels = try Self.levels(order)
        let layout = try AnswerLayout(.npy, levels: levels.map(\.description))
        let (body, _) = Self.body(layout, levels)
        #expect(body == levels.flatMap { Self.npy($0) })
        #expect(layout.byteCount == body.count)
        #expect(layout.contentType == "application/x-npy")
    }

    @Test("An npz answer is a zip of the levels' arrays", arguments: [false, true])
    func npz(checksumsAfterLevels: Bool) throws {
        let levels = try Self.levels()
        let layout = try AnswerLayout(
            .npz,
            levels: levels.map(\.description),
            checksumsAfterLevels: checksumsAfterLevels
        )
        let (body, steps) = Self.body(layout, levels)
        #expect(layout.byteCount == body.count)
        #expect(layout.contentType == "application/zip")
        let expected = levels.flatMap { level -> [AnswerStep] in
            let mip = level.description.mip
            return checksumsAfterLevels
                ? [.level(mip: mip), .checksum(mip: mip)] : [.checksum(mip: mip), .level(mip: mip)]
        }
        #expect(steps == expected)

        var file = SparseFile()
        file.append(body)
        let reader = try ArchiveReader(file)
        #expect(reader.entries.map(\.name) == ["mip2.npy", "mip3.npy", "mip7.npy"])
        for (entry, level) in zip(reader.entries, levels) {
            let content = try file.read(entry.contentOffset, entry.byteCount)
            #expect(content == Self.npy(level))
            #expect(entry.crc == CRC32.update(0, content))
            #expect(entry.hasDataDescriptor == checksumsAfterLevels)
        }
    }

    @Test("A multipart answer has a part a level, framed as RFC 2046 says")
    func multipart() throws {
        let levels = try Self.levels()
        var random = SeededRandom(seed: 7)
        let framing = MultipartFraming(using: &random)
        let layout = try AnswerLayout(.multipart, levels: levels.map(\.description), framing: framing)
        let (body, _) = Self.body(layout, levels)
        #expect(layout.byteCount == body.count)
        #expect(layout.contentType == "multipart/mixed; boundary=\(framing.boundary)")
        var expected: [UInt8] = []
        for (index, level) in levels.enumerated() {
            let content = Self.npy(level)
            let lines = [
                "--\(framing.boundary)", "Content-Type: application/x-npy",
                "Content-Length: \(content.count)",
                "Content-Disposition: attachment; filename=\"mip\(level.description.mip).npy\"", "", "",
            ]
            expected += Array(((index == 0 ? "" : "\r\n") + lines.joined(separator: "\r\n")).utf8) + content
        }
        expected += Array("\r\n--\(framing.boundary)--\r\n".utf8)
        #expect(body == expected)
    }

    @Test("Boundaries are long, safe without quotes, and different each time")
    func boundaries() {
        let boundaries = (0..<100).map { _ in MultipartFraming().boundary }
        #expect(Set(boundaries).count == 100)
        for boundary in boundaries {
            #expect(boundary.utf8.count == 43)
            #expect(boundary.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        }
        var first = SeededRandom(seed: 8)
        var second = SeededRandom(seed: 8)
        #expect(MultipartFraming(using: &first) == MultipartFraming(using: &second))
    }

    @Test("Answers of 2^63 bytes and more are refused", arguments: AnswerFormat.allCases)
    func tooLarge(format: AnswerFormat) throws {
        let level = AnswerLevel(
            mip: 1,
            type: .float64,
            shape: try Shape([Shape.maxVoxelCount - 1]),
            order: .c
        )
        let levels = [AnswerLevel](repeating: level, count: 300)
        #expect(throws: LayoutError.tooLarge) { try AnswerLayout(format, levels: levels) }
    }

    @Test("An answer without a level is complete", arguments: AnswerFormat.allCases)
    func empty(format: AnswerFormat) throws {
        let layout = try AnswerLayout(format, levels: [])
        #expect(Self.body(layout, []).0.count == layout.byteCount)
    }
}
