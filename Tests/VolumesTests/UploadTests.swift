// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@testable import Volumes

@Suite struct UploadTests {
    /// An upload that is right unless an argument says otherwise.
    static func upload(
        kind: VolumeKind = .image,
        type: VoxelType = .uint8,
        channels: Int = 1,
        size: Extent3 = Extent3(100, 90, 80),
        offset: Extent3 = Extent3(0, 0, 0),
        voxelSize: VoxelSize = VoxelSize(8, 8, 40),
        chunk: Extent3 = VolumeInfo.defaultUploadChunk,
        encoding: ChunkEncoding? = nil
    ) throws(InfoError) -> VolumeInfo {
        try VolumeInfo.forUpload(
            kind: kind,
            type: type,
            channels: channels,
            size: size,
            voxelOffset: offset,
            voxelSize: voxelSize,
            chunk: chunk,
            encoding: encoding
        )
    }

    @Test("An upload becomes a volume of one scale that can be read again")
    func image() throws {
        let info = try Self.upload(channels: 3, offset: Extent3(-5, 0, 7), encoding: .jpeg)
        #expect(info.scales[0].key == "8_8_40" && info.scales[0].encoding == .jpeg && info.channels == 3)
        #expect(info.scales[0].bounds == Box3(begin: Extent3(-5, 0, 7), end: Extent3(95, 90, 87)))
        #expect(try VolumeInfo(json: info.json()) == info)
    }

    @Test("Labels are compressed where that is possible, all else is raw")
    func defaults() throws {
        #expect(
            try Self.upload(kind: .segmentation, type: .uint64).scales[0].encoding == .compressedSegmentation
        )
        #expect(try Self.upload(kind: .segmentation, type: .uint32).scales[0].blockExtent == Extent3(8, 8, 8))
        #expect(try Self.upload(kind: .segmentation, type: .uint16).scales[0].encoding == .raw)
        #expect(try Self.upload(type: .uint32).scales[0].encoding == .raw)
    }

    /// The beginning of the message of a refused upload.
    struct Wrong: Sendable, CustomTestStringConvertible {
        let message: String
        let make: @Sendable () throws(InfoError) -> VolumeInfo
        var testDescription: String { message }

        init(_ message: String, _ make: @escaping @Sendable () throws(InfoError) -> VolumeInfo) {
            self.message = message
            self.make = make
        }
    }

    @Test(
        "What cannot be served is refused by the name of its parameter",
        arguments: [
            Wrong("`dtype` is float64;") { () throws(InfoError) in try upload(type: .float64) },
            Wrong("`dtype` is int64;") { () throws(InfoError) in try upload(type: .int64) },
            Wrong("`dtype` is bool;") { () throws(InfoError) in try upload(type: .bool) },
            Wrong("`kind` is segmentation;") { () throws(InfoError) in
                try upload(kind: .segmentation, type: .float32)
            },
            Wrong("`shape` is 2 channels;") { () throws(InfoError) in
                try upload(kind: .segmentation, type: .uint64, channels: 2)
            },
            Wrong("`shape` is 0 channels;") { () throws(InfoError) in try upload(channels: 0) },
            Wrong("`shape` is 4097 channels;") { () throws(InfoError) in try upload(channels: 4097) },
            Wrong("`shape` is 0,1,1;") { () throws(InfoError) in try upload(size: Extent3(0, 1, 1)) },
            Wrong("`shape` is -1,1,-1;") { () throws(InfoError) in try upload(size: Extent3(-1, 1, -1)) },
            Wrong("`shape` is 1099511627776,1,1;") { () throws(InfoError) in
                try upload(channels: 4096, size: Extent3(1 << 40, 1, 1))
            },
            Wrong("`voxel_offset` is 0,0,9007199254740992;") { () throws(InfoError) in
                try upload(offset: Extent3(0, 0, 1 << 53))
            },
            Wrong("`voxel_offset` is -9007199254740992,") { () throws(InfoError) in
                try upload(offset: Extent3(-1 << 53, 0, 0))
            },
            Wrong("`voxel_offset` is 0,\(Int.max),0;") { () throws(InfoError) in
                try upload(offset: Extent3(0, .max, 0))
            },
            Wrong("`resolution` is 0.0,8.0,8.0;") { () throws(InfoError) in
                try upload(voxelSize: VoxelSize(0, 8, 8))
            },
            Wrong("`resolution` is 8.0,-8.0,8.0;") { () throws(InfoError) in
                try upload(voxelSize: VoxelSize(8, -8, 8))
            },
            Wrong("`resolution` is 8.0,8.0,nan;") { () throws(InfoError) in
                try upload(voxelSize: VoxelSize(8, 8, .nan))
            },
            Wrong("`resolution` is inf,") { () throws(InfoError) in
                try upload(voxelSize: VoxelSize(.infinity, 8, 8))
            },
            Wrong("`chunk_size` is 0,64,64;") { () throws(InfoError) in try upload(chunk: Extent3(0, 64, 64))
            },
            Wrong("`chunk_size` is 1024,1024,257;") { () throws(InfoError) in
                try upload(chunk: Extent3(1024, 1024, 257))
            },
            Wrong("`chunk_size` is 4294967296,1,1;") { () throws(InfoError) in
                try upload(chunk: Extent3(1 << 32, 1, 1))
            },
            Wrong("`encoding` is jpeg;") { () throws(InfoError) in try upload(type: .uint16, encoding: .jpeg)
            },
            Wrong("`encoding` is jpeg;") { () throws(InfoError) in
                try upload(kind: .segmentation, type: .uint8, encoding: .jpeg)
            },
            Wrong("`encoding` is png;") { () throws(InfoError) in try upload(channels: 5, encoding: .png) },
            Wrong("`encoding` is jxl;") { () throws(InfoError) in try upload(encoding: .jxl) },
            Wrong("`encoding` is compressed_segmentation;") { () throws(InfoError) in
                try upload(encoding: .compressedSegmentation)
            },
        ]
    )
    func refused(wrong: Wrong) {
        let error = #expect(throws: InfoError.self) { _ = try wrong.make() }
        #expect(error?.message.hasPrefix(wrong.message) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("; allowed: ") == true)
    }
}
