// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Volumes
import Voxels

/// What the bytes of a body are: a JSON schema of the document, or bytes that JSON has no words for.
enum DescribedSchema: String, CaseIterable {
    case problem = "Problem"
    case volume = "Volume"
    case volumeList = "VolumeList"
    case mip = "Mip"
    case status = "Status"
    case version = "Version"
    /// JSON of somebody else: a precomputed `info`, Zarr metadata, this document.
    case foreign = "Foreign"
    case binary = "Binary"
    case text = "Text"

    static var components: [String: JSONValue] {
        Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0.definition) })
    }

    var json: JSONValue { .object(["$ref": .string("#/components/schemas/\(rawValue)")]) }

    private var definition: JSONValue {
        switch self {
        case .problem: Self.problemObject
        case .volume: Self.volumeObject
        case .volumeList: .object(["type": .string("array"), "items": DescribedSchema.volume.json])
        case .mip: Self.mipObject
        case .status:
            .object(
                required: ["status"],
                [
                    "status": .choice(["alive", "ready", "starting", "draining"]),
                    "reason": .typed("string", "Why the service is not ready."),
                ]
            )
        case .version:
            .object(
                required: ["name", "version", "cpu"],
                [
                    "name": .choice(["pyramidion"]), "version": .typed("string"),
                    "cpu": .typed("string", "The instruction set of the kernels."),
                ]
            )
        case .foreign:
            .object([
                "type": .string("object"), "description": .string("JSON as its own specification has it."),
            ])
        case .binary: .object(["type": .string("string"), "format": .string("binary")])
        case .text: .typed("string")
        }
    }

    private static var problemObject: JSONValue {
        .object(
            required: ["type", "title", "status", "detail", "request_id"],
            [
                "type": .choice(["about:blank"]),
                "title": .typed("string", "The phrase of the status."),
                "status": .whole(400...599),
                "detail": .typed("string", "What was wrong and what would be right."),
                "parameter": .typed("string", "The query parameter that was wrong."),
                "limit": .typed("string", "The key of the configuration's limit that was met."),
                "request_id": .typed("string"),
            ]
        )
    }

    private static var volumeObject: JSONValue {
        var links: [String: JSONValue] = [:]
        for name in ["self", "info", "cutout", "preview", "precomputed", "zarr", "neuroglancer"] {
            links[name] = .typed("string")
        }
        return .object(
            required: ["name", "status", "origin", "links"],
            [
                "name": .typed("string"),
                "status": .choice(
                    ["ready", "uploading", "unavailable"],
                    "ready: all members but problem and those of uploads are there."
                ),
                "kind": .choice(VolumeKind.allCases.map(\.rawValue)),
                "dtype": .choice(VoxelType.allCases.map(\.rawValue)),
                "channels": .whole(1...Int.max),
                "shape": .triple("integer", "Voxels of mip 0 along x, y, z."),
                "voxel_offset": .triple("integer", "The first voxel of mip 0."),
                "resolution": .triple("number", "Nanometres a voxel of mip 0."),
                "origin": .choice(["source", "upload"]),
                "source": .typed("string", "Where a configured volume lies; upload for uploads."),
                "mips": .object(["type": .string("array"), "items": DescribedSchema.mip.json]),
                "problem": .typed("string", "Why an unavailable volume is."),
                "received_bytes": .whole(0...Int.max),
                "expected_bytes": .object(["type": .strings(["integer", "null"])]),
                "levels": .whole(0...Int.max),
                "levels_finished": .whole(0...Int.max),
                "links": .object(required: ["self"], links),
            ]
        )
    }

    private static var mipObject: JSONValue {
        .object(
            required: [
                "mip", "key", "shape", "voxel_offset", "resolution", "chunk_size", "encoding", "from",
                "chunks",
            ],
            [
                "mip": .whole(0...Int.max),
                "key": .typed("string", "The scale's key: the path of its chunks."),
                "shape": .triple("integer", "Voxels along x, y, z."),
                "voxel_offset": .triple("integer", "The first voxel, in voxels of this mip."),
                "resolution": .triple("number", "Nanometres a voxel."),
                "chunk_size": .triple("integer", "Voxels of a chunk."),
                "encoding": .choice(ChunkEncoding.allCases.map(\.rawValue)),
                "from": .choice(["source", "upload", "made"]),
                "chunks": .whole(0...Int.max),
                "method": .choice(Method.allCases.map(\.rawValue), "How a mip that is made is made."),
                "kept": .whole(0...Int.max),
            ]
        )
    }
}

extension JSONValue {
    static func strings(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }

    /// A schema of one type.
    static func typed(_ type: String, _ words: String? = nil) -> JSONValue {
        described(["type": .string(type)], words)
    }

    static func choice(_ values: [String], _ words: String? = nil) -> JSONValue {
        described(["type": .string("string"), "enum": strings(values)], words)
    }

    /// A text that an ECMA-262 expression matches from end to end.
    static func pattern(_ expression: String, _ words: String? = nil) -> JSONValue {
        described(["type": .string("string"), "pattern": .string("^\(expression)$")], words)
    }

    /// A whole number; `Int.max` as an upper bound means none.
    static func whole(_ range: ClosedRange<Int>, _ words: String? = nil) -> JSONValue {
        var members: [String: JSONValue] = [
            "type": .string("integer"), "minimum": .integer(range.lowerBound),
        ]
        if range.upperBound < Int.max { members["maximum"] = .integer(range.upperBound) }
        return described(members, words)
    }

    /// Three numbers along x, y, z.
    static func triple(_ type: String, _ words: String) -> JSONValue {
        described(
            [
                "type": .string("array"), "items": .typed(type), "minItems": .integer(3),
                "maxItems": .integer(3),
            ],
            words
        )
    }

    static func object(required: [String], _ properties: [String: JSONValue]) -> JSONValue {
        .object([
            "type": .string("object"), "required": strings(required), "properties": .object(properties),
        ])
    }

    /// The same schema with a default.
    func defaulting(to value: String) -> JSONValue {
        guard case .object(var members) = self else { return self }
        members["default"] = .string(value)
        return .object(members)
    }

    private static func described(_ members: [String: JSONValue], _ words: String?) -> JSONValue {
        var members = members
        if let words { members["description"] = .string(words) }
        return .object(members)
    }
}
