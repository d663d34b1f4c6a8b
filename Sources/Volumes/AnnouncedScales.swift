// SPDX-License-Identifier: Apache-2.0

/// A volume as it is shown to clients: the scales of its source and those made here, none of them sharded.
///
/// A key goes into URLs and into paths of kept chunks. One that could lead elsewhere is announced under another
/// name, made of the resolution.
package struct AnnouncedScales: Sendable, Hashable {
    /// Where the chunks of an announced scale come from.
    package enum Origin: Sendable, Hashable {
        /// The source has it, under its own key, sharded or not: this is its place in the source's scales.
        case source(Int)
        /// It is made here of the scale before it: this is its place among those made.
        case made(Int)
    }

    /// What is served as `info`.
    package let info: VolumeInfo
    package let sourceScaleCount: Int
    private let indices: [String: Int]

    package init(source: VolumeInfo, made: [MadeScale]) {
        var announced = source
        announced.scales += made.map(\.scale)
        var taken: Set<String> = []
        // Safe keys keep their names; only then are the others named, around them.
        let keepsKey = announced.scales.map { Self.isSafe($0.key) && taken.insert($0.key).inserted }
        for index in announced.scales.indices {
            announced.scales[index].sharding = nil
            guard !keepsKey[index] else { continue }
            var key = announced.scales[index].voxelSize.key
            while !taken.insert(key).inserted { key += "_mip\(index)" }
            announced.scales[index].key = key
        }
        // These name directories beside the source's `info`, which are not served here: Neuroglancer would ask for
        // them and show errors. Full URLs lead where they always did. `redirect` would lead cloud-volume past us.
        for name in VolumeInfo.companions where announced.others[name]?.text?.contains("://") != true {
            announced.others[name] = nil
        }
        announced.others["redirect"] = nil
        info = announced
        sourceScaleCount = source.scales.count
        indices = Dictionary(
            announced.scales.enumerated().map { ($1.key, $0) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The place in `info.scales` of an announced key, or `nil`.
    package func index(ofKey key: String) -> Int? { indices[key] }

    /// Where the scale at a place in `info.scales` comes from.
    package func origin(of index: Int) -> Origin {
        index < sourceScaleCount ? .source(index) : .made(index - sourceScaleCount)
    }

    /// Whether a key can be a part of URLs and paths as it is: segments of visible characters between single
    /// slashes, none of them `.` or `..`, at most 256 bytes, and nothing that a URL would have to escape.
    package static func isSafe(_ key: String) -> Bool {
        let isPlain = key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
                UInt8(ascii: "/"):
                true
            case UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "!"): true
            default: false
            }
        }
        guard isPlain, key.utf8.count <= 256 else { return false }
        return key.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".."
        }
    }
}
