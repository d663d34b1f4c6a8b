// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@testable import Volumes

/// A member with a wrong value, and where the message says that it is.
struct WrongMember: Sendable, CustomTestStringConvertible {
    let name: String
    /// `nil`: the member is missing.
    let value: JSONValue?
    let path: String

    init(_ name: String, _ value: JSONValue?, at path: String? = nil) {
        self.name = name
        self.value = value
        self.path = path ?? name
    }

    var testDescription: String { "\(name): \(value?.excerpt ?? "missing")" }
}

@Suite struct WrongInfoTests {
    private static func expect(_ bytes: [UInt8], _ wrong: WrongMember, at path: String) {
        let error = #expect(throws: InfoError.self) { try VolumeInfo(json: bytes) }
        let message = error?.message ?? ""
        #expect(message.hasPrefix("`\(path)` is "), "\(message)")
        #expect(
            message.contains(wrong.value == nil ? "is missing; it must be " : "; allowed: "),
            "\(message)"
        )
        #expect(
            message.utf8.count < 400 && message.utf8.allSatisfy { (0x20...0x7E).contains($0) },
            "\(message)"
        )
    }

    @Test(
        "A wrong member of the root is named",
        arguments: [
            .init("@type", .string("x")), .init("@type", .integer(1)),
            .init("type", nil), .init("type", .null), .init("type", .string("labels")),
            .init("type", .integer(1)),
            .init("data_type", nil), .init("data_type", .string("int64")),
            .init("data_type", .string("float64")),
            .init("data_type", .string("bool")), .init("data_type", .string("|u1")),
            .init("data_type", .null),
            .init("num_channels", nil), .init("num_channels", .integer(0)),
            .init("num_channels", .integer(-1)),
            .init("num_channels", .number(1.5)), .init("num_channels", .string("1")),
            .init("num_channels", .integer(4097)), .init("num_channels", .number(1e300)),
            .init("scales", nil), .init("scales", .null), .init("scales", .array([])),
            .init("scales", .object([:])), .init("scales", .array(Array(repeating: .object([:]), count: 65))),
            .init("scales", .array([.integer(1)]), at: "scales[0]"),
            .init(
                "scales",
                .array([.object(InfoText.coarse), .object(InfoText.scale)]),
                at: "scales[1].resolution"
            ),
            .init("mesh", .integer(1)), .init("skeletons", .object([:])),
            .init("segment_properties", .bool(true)),
        ] as [WrongMember]
    )
    func root(wrong: WrongMember) {
        Self.expect(InfoText.root([wrong.name: wrong.value]), wrong, at: wrong.path)
    }

    private static let most = ScaleInfo.maxCoordinate

    @Test(
        "A wrong member of a scale is named",
        arguments: [
            .init("key", nil), .init("key", .string("")), .init("key", .integer(8)), .init("key", .null),
            .init("key", .string(String(repeating: "k", count: 1025))),
            .init("size", nil), .init("size", .integer(3)), .init("size", InfoText.ints(1, 2)),
            .init("size", InfoText.ints(1, 2, 3, 4)), .init("size", InfoText.ints(1, 0, 3), at: "size[1]"),
            .init("size", InfoText.ints(-1, 2, 3), at: "size[0]"),
            .init("size", InfoText.ints(1, 2, most), at: "size[2]"),
            .init("size", InfoText.ints(1 << 30, 1 << 20, 4)),
            .init("size", InfoText.ints(1 << 40, 1 << 40, 1)),
            .init("size", .array([.integer(1), .number(1.5), .integer(1)]), at: "size[1]"),
            .init("size", .array([.integer(1), .null, .integer(1)]), at: "size[1]"),
            .init("voxel_offset", .string("0,0,0")), .init("voxel_offset", InfoText.ints(0, 0)),
            .init("voxel_offset", InfoText.ints(0, -most, 0), at: "voxel_offset[1]"),
            .init("voxel_offset", InfoText.ints(0, 0, .max), at: "voxel_offset[2]"),
            // The offset alone is possible, not with the size behind it.
            .init("voxel_offset", InfoText.ints(most - 1, 0, 0), at: "size"),
            .init("resolution", nil), .init("resolution", InfoText.ints(8, 8)),
            .init("resolution", InfoText.ints(16, 0, 40), at: "resolution[1]"),
            .init("resolution", InfoText.ints(16, 16, -40), at: "resolution[2]"),
            .init("resolution", .array([.number(1e31), .integer(16), .integer(40)]), at: "resolution[0]"),
            .init("resolution", .array([.number(1e-31), .integer(16), .integer(40)]), at: "resolution[0]"),
            .init("resolution", .array([.string("16"), .integer(16), .integer(40)]), at: "resolution[0]"),
            .init("resolution", InfoText.ints(16, 16, 39)),
            .init("chunk_sizes", nil), .init("chunk_sizes", .array([])),
            .init("chunk_sizes", InfoText.ints(64, 64, 64), at: "chunk_sizes[0]"),
            .init("chunk_sizes", .array(Array(repeating: InfoText.ints(1, 1, 1), count: 17))),
            .init(
                "chunk_sizes",
                .array([InfoText.ints(64, 64, 64), InfoText.ints(64, 0, 64)]),
                at: "chunk_sizes[1][1]"
            ),
            .init("chunk_sizes", .array([InfoText.ints(64, 64, 1 << 31)]), at: "chunk_sizes[0][2]"),
            .init("chunk_sizes", .array([InfoText.ints(1 << 20, 1 << 20, 1 << 20)]), at: "chunk_sizes[0]"),
            .init("encoding", nil), .init("encoding", .string("zfpc")), .init("encoding", .integer(1)),
            .init("encoding", .null), .init("encoding", .string("compressed_segmentation")),
            .init("hidden", .integer(1)), .init("hidden", .string("true")),
            .init("sharding", .string("none")), .init("sharding", .array([])),
            .init("sharding", .object(["@type": .bool(true)]), at: "sharding.@type"),
        ] as [WrongMember]
    )
    func scale(wrong: WrongMember) {
        Self.expect(InfoText.lastScale([wrong.name: wrong.value]), wrong, at: "scales[1].\(wrong.path)")
    }

    @Test(
        "A wrong member of a sharding is named",
        arguments: [
            .init("@type", nil), .init("@type", .string("neuroglancer_uint64_sharded_v2")),
            .init("@type", .null),
            .init("preshift_bits", nil), .init("preshift_bits", .integer(65)),
            .init("preshift_bits", .integer(-1)),
            .init("hash", nil), .init("hash", .string("md5")), .init("hash", .integer(0)),
            .init("minishard_bits", nil), .init("minishard_bits", .integer(33)),
            .init("minishard_bits", .integer(-1)),
            .init("shard_bits", nil), .init("shard_bits", .integer(59)), .init("shard_bits", .integer(-1)),
            .init("shard_bits", .number(1.5)),
            .init("minishard_index_encoding", .string("zstd")),
            .init("minishard_index_encoding", .integer(1)),
            .init("data_encoding", .string("jpeg")), .init("data_encoding", .bool(false)),
        ] as [WrongMember]
    )
    func sharding(wrong: WrongMember) {
        Self.expect(
            InfoText.sharded([wrong.name: wrong.value]),
            wrong,
            at: "scales[1].sharding.\(wrong.name)"
        )
    }

    @Test("A sharded scale has one chunk size")
    func shardedGrids() {
        let sizes: JSONValue = .array([InfoText.ints(64, 64, 64), InfoText.ints(8, 8, 8)])
        let bytes = InfoText.lastScale(["sharding": .object(InfoText.sharding), "chunk_sizes": sizes])
        let error = #expect(throws: InfoError.self) { try VolumeInfo(json: bytes) }
        #expect(
            error?.message
                == "`scales[1].chunk_sizes` is 2 sizes; allowed: exactly one, since the scale is sharded"
        )
    }

    @Test(
        "An encoding that cannot hold the voxels is named",
        arguments: [
            ("jpeg", "uint16", 1), ("jpeg", "uint8", 2), ("png", "uint32", 1), ("png", "int8", 1),
            ("png", "uint8", 5),
            ("compressed_segmentation", "uint8", 1), ("compressed_segmentation", "int32", 1),
            ("compresso", "float32", 1), ("compresso", "uint64", 2), ("jxl", "uint16", 1),
            ("jxl", "uint8", 2),
        ]
    )
    func encodings(encoding: String, type: String, channels: Int) {
        let bytes = InfoText.lastScale(
            ["encoding": .string(encoding), "compressed_segmentation_block_size": InfoText.ints(8, 8, 8)],
            of: ["data_type": .string(type), "num_channels": .integer(channels)]
        )
        let error = #expect(throws: InfoError.self) { try VolumeInfo(json: bytes) }
        #expect(
            error?.message.hasPrefix("`scales[1].encoding` is \"\(encoding)\"; allowed: this encoding for ")
                == true
        )
    }

    @Test(
        "A wrong block size or quality beside its own encoding is named",
        arguments: [
            ("compressed_segmentation", "compressed_segmentation_block_size", nil, ""),
            ("compressed_segmentation", "compressed_segmentation_block_size", .null, ""),
            ("compressed_segmentation", "compressed_segmentation_block_size", InfoText.ints(8, 8), ""),
            ("compressed_segmentation", "compressed_segmentation_block_size", InfoText.ints(8, 8, 0), "[2]"),
            (
                "compressed_segmentation", "compressed_segmentation_block_size",
                InfoText.ints(1 << 12, 1 << 12, 2), ""
            ),
            ("jpeg", "jpeg_quality", .integer(101), ""), ("jpeg", "jpeg_quality", .integer(-1), ""),
            ("jpeg", "jpeg_quality", .string("high"), ""), ("png", "png_level", .integer(10), ""),
            ("png", "png_level", .number(0.5), ""),
        ] as [(String, String, JSONValue?, String)]
    )
    func besideEncodings(encoding: String, name: String, value: JSONValue?, behind: String) {
        let type = encoding == "compressed_segmentation" ? "uint32" : "uint8"
        let bytes = InfoText.lastScale(
            ["encoding": .string(encoding), name: value],
            of: ["data_type": .string(type), "type": .string("segmentation")]
        )
        let error = #expect(throws: InfoError.self) { try VolumeInfo(json: bytes) }
        #expect(
            error?.message.hasPrefix("`scales[1].\(name)\(behind)` is ") == true,
            "\(error?.message ?? "")"
        )
    }

    @Test("What stands there is shortened, and control bytes are escaped")
    func shortened() {
        let bytes = InfoText.lastScale([
            "encoding": .string("a\n\u{7F}" + String(repeating: "z", count: 5000))
        ])
        let message = #expect(throws: InfoError.self) { try VolumeInfo(json: bytes) }?.message ?? ""
        #expect(message.hasPrefix("`scales[1].encoding` is \"a\\u000a\\u{7F}zzz"))
        #expect(message.utf8.count < 200)
    }
}
