// SPDX-License-Identifier: Apache-2.0

extension ShardingSpec {
    private static let typeTag = "neuroglancer_uint64_sharded_v1"

    /// Members that the format does not have are dropped.
    init(_ value: JSONValue, at path: JSONPath) throws(InfoError) {
        var members = try MemberReader(
            value,
            at: path,
            allowed: "an object with the \"@type\" \"\(Self.typeTag)\""
        )
        let tag = try members.required("@type", allowed: "\"\(Self.typeTag)\"")
        guard tag == .string(Self.typeTag) else {
            throw members.wrong("@type", tag, allowed: "\"\(Self.typeTag)\"")
        }
        let preshiftBits = try members.requiredInteger("preshift_bits", in: 0...64)
        let hashWording = Self.wording(of: Hash.self)
        let hashValue = try members.required("hash", allowed: hashWording)
        guard let hash = hashValue.text.flatMap({ Hash(rawValue: $0.lowercased()) }) else {
            throw members.wrong("hash", hashValue, allowed: hashWording)
        }
        let minishardBits = try members.requiredInteger("minishard_bits", in: 0...32)
        let shardBits = try members.requiredInteger("shard_bits", in: 0...64 - minishardBits)
        self.init(
            preshiftBits: preshiftBits,
            hash: hash,
            minishardBits: minishardBits,
            shardBits: shardBits,
            minishardIndexPacking: try Self.packing(&members, "minishard_index_encoding"),
            dataPacking: try Self.packing(&members, "data_encoding")
        )
    }

    private static func packing(_ members: inout MemberReader, _ name: String) throws(InfoError) -> Packing {
        guard let value = members.optional(name) else { return .raw }
        guard let packing = value.text.flatMap({ Packing(rawValue: $0.lowercased()) }) else {
            throw members.wrong(name, value, allowed: wording(of: Packing.self))
        }
        return packing
    }

    private static func wording<Choice: CaseIterable & RawRepresentable<String>>(of _: Choice.Type) -> String
    {
        Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
    }

    var json: JSONValue {
        .object([
            "@type": .string(Self.typeTag),
            "preshift_bits": .integer(preshiftBits),
            "hash": .string(hash.rawValue),
            "minishard_bits": .integer(minishardBits),
            "shard_bits": .integer(shardBits),
            "minishard_index_encoding": .string(minishardIndexPacking.rawValue),
            "data_encoding": .string(dataPacking.rawValue),
        ])
    }
}
