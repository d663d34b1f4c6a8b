// SPDX-License-Identifier: Apache-2.0
import Voxels

@testable import Volumes

/// JSON texts of volumes, whose members can be replaced one at a time.
enum InfoText {
    /// A volume of two scales that has every member of the format.
    static let image: [String: JSONValue] = [
        "@type": .string("neuroglancer_multiscale_volume"),
        "type": .string("image"),
        "data_type": .string("uint8"),
        "num_channels": .integer(1),
        "scales": .array([.object(scale), .object(coarse)]),
    ]

    static let scale: [String: JSONValue] = [
        "key": .string("8_8_40"),
        "size": ints(203, 151, 67),
        "voxel_offset": ints(-70, 13, 5),
        "resolution": ints(8, 8, 40),
        "chunk_sizes": .array([ints(64, 64, 64)]),
        "encoding": .string("raw"),
    ]

    static let coarse: [String: JSONValue] = scale.merging([
        "key": .string("16_16_40"), "size": ints(102, 76, 67), "voxel_offset": ints(-35, 6, 5),
        "resolution": ints(16, 16, 40),
    ]) { $1 }

    static let sharding: [String: JSONValue] = [
        "@type": .string("neuroglancer_uint64_sharded_v1"), "preshift_bits": .integer(9),
        "hash": .string("murmurhash3_x86_128"), "minishard_bits": .integer(6), "shard_bits": .integer(15),
        "minishard_index_encoding": .string("gzip"), "data_encoding": .string("raw"),
    ]

    static func ints(_ values: Int...) -> JSONValue { .array(values.map(JSONValue.integer)) }

    /// The image with members of the root replaced; `nil` removes one.
    static func root(_ changes: [String: JSONValue?]) -> [UInt8] {
        JSONValue.object(changed(image, changes)).encoded()
    }

    /// The image with members of its last scale replaced; `nil` removes one.
    static func lastScale(_ changes: [String: JSONValue?], of root: [String: JSONValue?] = [:]) -> [UInt8] {
        let scales: JSONValue = .array([.object(scale), .object(changed(coarse, changes))])
        return JSONValue.object(changed(image, root.merging(["scales": scales]) { $1 })).encoded()
    }

    /// The image with a sharded last scale, with members of its sharding replaced.
    static func sharded(_ changes: [String: JSONValue?]) -> [UInt8] {
        lastScale(["sharding": .object(changed(sharding, changes))])
    }

    private static func changed(
        _ members: [String: JSONValue],
        _ changes: [String: JSONValue?]
    ) -> [String: JSONValue] {
        var members = members
        for (name, value) in changes { members[name] = value }
        return members
    }
}

/// A volume of one scale, finest of all.
func volume(
    size: Extent3 = Extent3(1000, 1000, 100),
    offset: Extent3 = Extent3(0, 0, 0),
    voxelSize: VoxelSize = VoxelSize(8, 8, 40),
    chunk: Extent3 = Extent3(64, 64, 64),
    kind: VolumeKind = .image,
    type: VoxelType = .uint8,
    channels: Int = 1,
    encoding: ChunkEncoding = .raw,
    key: String = "mip0"
) -> VolumeInfo {
    let end = Extent3(offset.x + size.x, offset.y + size.y, offset.z + size.z)
    let scale = ScaleInfo(
        key: key,
        bounds: Box3(begin: offset, end: end),
        voxelSize: voxelSize,
        chunkExtents: [chunk],
        encoding: encoding,
        blockExtent: encoding == .compressedSegmentation ? Extent3(8, 8, 4) : nil
    )
    return VolumeInfo(kind: kind, type: type, channels: channels, scales: [scale])
}
