// SPDX-License-Identifier: Apache-2.0
import Configuration
import Downsampling
import HTTP1
import HTTPTypes
import Origins
import Volumes
import Voxels

/// What `GET /v1/volumes` says of a volume.
struct VolumeDescription {
    private let context: ServiceContext
    /// `http://host:port`, as the client reached us.
    private let base: String

    init(_ context: ServiceContext, _ head: RequestHead) {
        self.context = context
        let scheme = head.fields[.forwardedProto] == "https" ? "https" : "http"
        base = "\(scheme)://\(head.host ?? "localhost")"
    }

    func item(_ name: String, _ entry: VolumeCatalog.Entry) -> JSONValue {
        switch entry {
        case .open(let volume): open(volume)
        case .closed(let settings, let failure, _):
            .object([
                "name": .string(name), "status": .string("unavailable"), "origin": .string("source"),
                "problem": .string(failure?.detail ?? "The source of \(settings.name) was not asked yet."),
                "links": .object(["self": .string("/v1/volumes/\(name)")]),
            ])
        case .uploading(let progress): uploading(name, progress.current)
        }
    }

    private func uploading(_ name: String, _ state: UploadProgress.State) -> JSONValue {
        .object([
            "name": .string(name), "status": .string("uploading"), "origin": .string("upload"),
            "received_bytes": .integer(state.receivedBytes),
            "expected_bytes": state.expectedBytes.map { .integer($0) } ?? .null,
            "levels": .integer(state.levelCount), "levels_finished": .integer(state.finishedLevels),
            "links": .object(["self": .string("/v1/volumes/\(name)")]),
        ])
    }

    private func open(_ volume: ServedVolume) -> JSONValue {
        let finest = volume.levels[0]
        return .object([
            "name": .string(volume.name),
            "status": .string("ready"),
            "kind": .string(volume.info.kind.rawValue),
            "dtype": .string(volume.info.type.rawValue),
            "channels": .integer(volume.info.channels),
            "shape": numbers(finest.bounds.extent),
            "voxel_offset": numbers(finest.bounds.begin),
            "resolution": .array(finest.scale.voxelSize.entries.map(JSONValue.init)),
            "origin": .string(volume.kind.rawValue),
            "source": .string(volume.kind == .source ? volume.origin.name : "upload"),
            "mips": .array(volume.levels.map { mip($0, volume) }),
            "links": links(volume),
        ])
    }

    private func mip(_ level: ServedLevel, _ volume: ServedVolume) -> JSONValue {
        let from = level.isMade ? "made" : volume.kind.rawValue
        let cells = level.grids[0].cells
        var members: [String: JSONValue] = [
            "mip": .integer(level.index),
            "key": .string(level.scale.key),
            "shape": numbers(level.bounds.extent),
            "voxel_offset": numbers(level.bounds.begin),
            "resolution": .array(level.scale.voxelSize.entries.map(JSONValue.init)),
            "chunk_size": numbers(level.grids[0].chunk),
            "encoding": .string(level.scale.encoding.rawValue),
            "from": .string(from),
            "chunks": .integer(cells.product ?? .max),
        ]
        if case .made(let rule) = level.provider {
            members["method"] = .string(rule.method.rawValue)
            members["kept"] = .integer(volume.store?.count(below: level.scale.key) ?? 0)
        }
        return .object(members)
    }

    private func links(_ volume: ServedVolume) -> JSONValue {
        let name = volume.name
        let source = "precomputed://\(base)/precomputed/\(name)"
        let layer = JSONValue.object([
            "type": .string(volume.info.kind.rawValue), "source": .string(source), "name": .string(name),
        ])
        let state = JSONValue.object(["layers": .array([layer])])
        return .object([
            "self": .string("/v1/volumes/\(name)"),
            "info": .string("/precomputed/\(name)/info"),
            "cutout": .string("/v1/volumes/\(name)/cutout"),
            "preview": .string("/v1/volumes/\(name)/preview.png"),
            "precomputed": .string(source),
            "zarr": .string("zarr://\(base)/zarr/\(name)"),
            "neuroglancer": .string(Self.link(into: context.configuration.viewer, state.encoded())),
        ])
    }

    private func numbers(_ extent: Extent3) -> JSONValue { .array(extent.entries.map { .integer($0) }) }

    /// The address of a viewer with a state in its fragment, which goes right behind what is configured.
    ///
    /// An origin or a folder that lacks its "/" gets it; a fragment that is configured goes.
    static func link(into viewer: String, _ state: [UInt8]) -> String {
        let address = viewer.prefix { $0 != "#" }
        // The scheme, nothing, the host, and what follows.
        let parts = address.split(separator: "/", omittingEmptySubsequences: false)
        let isFile =
            address.contains("?")
            || parts.count > 3 && (parts.last.map { $0.isEmpty || $0.contains(".") } ?? false)
        return "\(address)\(isFile ? "" : "/")#!\(encoded(state))"
    }

    /// Percent-encodes what may not stand in a fragment.
    private static func encoded(_ bytes: [UInt8]) -> String {
        let plain = Array("-._~!$&'()*+,;=:@/?".utf8)
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                text.append(byte)
            default:
                text +=
                    plain.contains(byte)
                    ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
