// SPDX-License-Identifier: Apache-2.0
internal import Voxels

// Read liberally, as the clients do: `203.0` for a whole number, `null` for what may be missing, an encoding in any
// case, a block size or quality beside another encoding (dropped). Written strictly: each of these breaks a client.
extension ScaleInfo {
    private static let extentRange = 1...(maxCoordinate - 1)
    private static let offsetRange = -(maxCoordinate - 1)...(maxCoordinate - 1)
    static let keyWording = "a text of 1 to \(maxKeyByteCount) bytes"

    init(_ value: JSONValue, at path: JSONPath, type: VoxelType, channels: Int) throws(InfoError) {
        var members = try MemberReader(value, at: path, allowed: "an object that describes one scale")
        let keyValue = try members.required("key", allowed: Self.keyWording)
        guard let key = keyValue.text, (1...Self.maxKeyByteCount).contains(key.utf8.count) else {
            throw members.wrong("key", keyValue, allowed: Self.keyWording)
        }
        let bounds = try Self.bounds(&members, channels: channels)
        let voxelSize = try Self.voxelSize(&members)
        let encoding = try Self.encoding(&members, type: type, channels: channels)
        let chunkExtents = try Self.chunkExtents(&members)
        let sharding: ShardingSpec? =
            if let value = members.optional("sharding") {
                try ShardingSpec(value, at: path.member("sharding"))
            } else {
                nil
            }
        guard sharding == nil || chunkExtents.count == 1 else {
            throw .wrong(
                path: path.member("chunk_sizes").text,
                found: "\(chunkExtents.count) sizes",
                allowed: "exactly one, since the scale is sharded"
            )
        }
        self.init(
            key: key,
            bounds: bounds,
            voxelSize: voxelSize,
            chunkExtents: chunkExtents,
            encoding: encoding,
            blockExtent: try Self.blockExtent(&members, encoding: encoding),
            jpegQuality: try Self.level(&members, "jpeg_quality", 0...100, isMeant: encoding == .jpeg),
            pngLevel: try Self.level(&members, "png_level", 0...9, isMeant: encoding == .png),
            sharding: sharding,
            isHidden: try members.optionalBool("hidden") ?? false,
            others: members.rest
        )
    }

    private static func bounds(_ members: inout MemberReader, channels: Int) throws(InfoError) -> Box3 {
        let sizeWording = "three integers above 0, x, y, z"
        let sizeValue = try members.required("size", allowed: sizeWording)
        let sizePath = members.path.member("size")
        let size = try MemberReader.extent(sizeValue, at: sizePath, in: extentRange)
        guard let count = size.product?.multipliedReportingOverflow(by: channels), !count.overflow,
            count.partialValue < Shape.maxVoxelCount
        else {
            throw .wrong(sizePath.text, sizeValue, allowed: "fewer than 2^52 voxels in all channels")
        }
        var begin = Extent3(repeating: 0)
        if let value = members.optional("voxel_offset") {
            begin = try MemberReader.extent(value, at: members.path.member("voxel_offset"), in: offsetRange)
        }
        let end = Extent3(begin.x + size.x, begin.y + size.y, begin.z + size.z)
        guard end.entries.allSatisfy({ $0 < maxCoordinate }) else {
            throw .wrong(
                sizePath.text,
                sizeValue,
                allowed: "a `voxel_offset` + `size` below 2^53 along each axis"
            )
        }
        return Box3(begin: begin, end: end)
    }

    private static func voxelSize(_ members: inout MemberReader) throws(InfoError) -> VoxelSize {
        let wording = "three numbers above 0, nanometres along x, y, z"
        let value = try members.required("resolution", allowed: wording)
        let path = members.path.member("resolution")
        guard case .array(let entries) = value, entries.count == 3 else {
            throw .wrong(path.text, value, allowed: wording)
        }
        var size = VoxelSize(0, 0, 0)
        for (axis, entry) in entries.enumerated() {
            guard let side = entry.anyNumber, VoxelSize.allowed.contains(side) else {
                throw .wrong(path.element(axis).text, entry, allowed: VoxelSize.wording)
            }
            size[axis] = side
        }
        return size
    }

    private static func chunkExtents(_ members: inout MemberReader) throws(InfoError) -> [Extent3] {
        let most = 16
        let wording = "a list of 1 to \(most) sizes, each of three integers above 0, x, y, z"
        let value = try members.required("chunk_sizes", allowed: wording)
        let path = members.path.member("chunk_sizes")
        guard case .array(let entries) = value, (1...most).contains(entries.count) else {
            throw .wrong(path.text, value, allowed: wording)
        }
        var extents: [Extent3] = []
        for (index, entry) in entries.enumerated() {
            let extent = try MemberReader.extent(entry, at: path.element(index), in: 1...maxChunkSide)
            guard let count = extent.product, count < Shape.maxVoxelCount else {
                throw .wrong(path.element(index).text, entry, allowed: "fewer than 2^52 voxels")
            }
            extents.append(extent)
        }
        return extents
    }

    private static func encoding(
        _ members: inout MemberReader,
        type: VoxelType,
        channels: Int
    ) throws(InfoError) -> ChunkEncoding {
        let wording = "one of " + ChunkEncoding.allCases.map(\.rawValue).joined(separator: ", ")
        let value = try members.required("encoding", allowed: wording)
        guard let encoding = value.text.flatMap({ ChunkEncoding(rawValue: $0.lowercased()) }) else {
            throw members.wrong("encoding", value, allowed: wording)
        }
        if let needs = encoding.unmetNeeds(type: type, channels: channels) {
            throw members.wrong("encoding", value, allowed: "this encoding for \(needs) only")
        }
        return encoding
    }

    private static func blockExtent(
        _ members: inout MemberReader,
        encoding: ChunkEncoding
    ) throws(InfoError) -> Extent3? {
        let name = "compressed_segmentation_block_size"
        guard encoding == .compressedSegmentation else {
            members.drop(name)
            return nil
        }
        let path = members.path.member(name)
        let value = try members.required(name, allowed: "three integers above 0, x, y, z")
        let extent = try MemberReader.extent(value, at: path, in: 1...maxChunkSide)
        // The packed values of a block lie within 2^24 words, and a word has at least one value.
        guard let count = extent.product, count <= 1 << 24 else {
            throw .wrong(path.text, value, allowed: "at most 2^24 voxels in a block")
        }
        return extent
    }

    private static func level(
        _ members: inout MemberReader,
        _ name: String,
        _ range: ClosedRange<Int>,
        isMeant: Bool
    ) throws(InfoError) -> Int? {
        guard isMeant else {
            members.drop(name)
            return nil
        }
        return try members.optionalInteger(name, in: range)
    }

    /// The scale as `info` has it. Members that one client or another chokes on are left out: `sharding: null`, a
    /// block size beside another encoding.
    var json: JSONValue {
        var members = others
        members["key"] = .string(key)
        members["size"] = JSONValue(bounds.extent)
        members["voxel_offset"] = JSONValue(bounds.begin)
        members["resolution"] = .array(voxelSize.entries.map { JSONValue($0) })
        members["chunk_sizes"] = .array(chunkExtents.map { JSONValue($0) })
        members["encoding"] = .string(encoding.rawValue)
        members["compressed_segmentation_block_size"] =
            encoding == .compressedSegmentation ? blockExtent.map { JSONValue($0) } : nil
        members["jpeg_quality"] = encoding == .jpeg ? jpegQuality.map(JSONValue.integer) : nil
        members["png_level"] = encoding == .png ? pngLevel.map(JSONValue.integer) : nil
        members["sharding"] = sharding?.json
        members["hidden"] = isHidden ? .bool(true) : nil
        return .object(members)
    }
}
