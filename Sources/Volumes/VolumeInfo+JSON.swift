// SPDX-License-Identifier: Apache-2.0
internal import Voxels

extension VolumeInfo {
    private static let typeTag = "neuroglancer_multiscale_volume"
    /// Directories beside the chunks, relative to that of `info`.
    static let companions = ["mesh", "skeletons", "segment_properties"]

    /// Reads and checks an `info`.
    ///
    /// Liberal where clients are: names of types and encodings in any case, `203.0` for a whole number, `null` for
    /// what may be missing. Unknown members are kept in ``others``. Whether a chunk fits into memory is for whoever
    /// reads it to decide.
    /// - Parameters:
    ///   - bytes: UTF-8.
    ///   - limit: The most bytes that are read.
    /// - Throws: ``InfoError``, which names the member that is wrong, what stands there and what is allowed.
    package init(json bytes: [UInt8], limit: Int = defaultByteLimit) throws(InfoError) {
        let root = try JSONValue(parsing: bytes, limit: limit)
        var members = try MemberReader(root, at: .root, allowed: "an object that describes a volume")
        if let tag = members.optional("@type"), tag != .string(Self.typeTag) {
            throw members.wrong("@type", tag, allowed: "\"\(Self.typeTag)\", or no such member")
        }
        let kindWording = VolumeKind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
        let kindValue = try members.required("type", allowed: kindWording)
        guard let kind = kindValue.text.flatMap({ VolumeKind(rawValue: $0.lowercased()) }) else {
            throw members.wrong("type", kindValue, allowed: kindWording)
        }
        let typeValue = try members.required("data_type", allowed: VoxelType.precomputedWording)
        guard let type = typeValue.text.flatMap({ VoxelType(rawValue: $0.lowercased()) }), type.isPrecomputed
        else {
            throw members.wrong("data_type", typeValue, allowed: VoxelType.precomputedWording)
        }
        let channels = try members.requiredInteger("num_channels", in: 1...Self.maxChannels)
        let scales = try Self.scales(&members, type: type, channels: channels)
        for name in Self.companions {
            guard
                let value = try members.optionalText(
                    name,
                    allowed: "the name of a directory, or no such member"
                )
            else { continue }
            members.keep(name, .string(value))
        }
        self.init(kind: kind, type: type, channels: channels, scales: scales, others: members.rest)
    }

    private static func scales(
        _ members: inout MemberReader,
        type: VoxelType,
        channels: Int
    ) throws(InfoError) -> [ScaleInfo] {
        let wording = "a list of 1 to \(maxScales) scales, the finest first"
        let value = try members.required("scales", allowed: wording)
        let path = members.path.member("scales")
        guard case .array(let entries) = value, (1...maxScales).contains(entries.count) else {
            throw .wrong(path.text, value, allowed: wording)
        }
        var scales: [ScaleInfo] = []
        for (index, entry) in entries.enumerated() {
            let scale = try ScaleInfo(entry, at: path.element(index), type: type, channels: channels)
            if let last = scales.last {
                let isSorted = (0..<3).allSatisfy { last.voxelSize[$0] <= scale.voxelSize[$0] }
                guard isSorted else {
                    throw .wrong(
                        path.element(index).member("resolution").text,
                        .array(scale.voxelSize.entries.map { JSONValue($0) }),
                        allowed: "no voxel that is smaller than in the scale before: the finest comes first"
                    )
                }
            }
            scales.append(scale)
        }
        return scales
    }

    /// The `info` as UTF-8 JSON that Neuroglancer, tensorstore and cloud-volume take: members sorted by name, whole
    /// numbers without a point, nothing that is `null` among the members we know.
    package func json() -> [UInt8] {
        var members = others
        members["@type"] = .string(Self.typeTag)
        members["type"] = .string(kind.rawValue)
        members["data_type"] = .string(type.rawValue)
        members["num_channels"] = .integer(channels)
        members["scales"] = .array(scales.map(\.json))
        for name in Self.companions where members[name]?.isNull == true { members[name] = nil }
        return JSONValue.object(members).encoded()
    }
}
