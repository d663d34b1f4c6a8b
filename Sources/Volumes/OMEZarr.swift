// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// A volume as OME-Zarr: the metadata of Zarr 2 and OME-NGFF 0.4, and what each path of it stands for.
///
/// Axes are z, y, x, with c in front if there is more than one channel; an array is the scale of the same place in
/// the volume. A chunk is a cell of the scale's first grid with all channels, padded to full size with zeros. In C
/// order over (c, z, y, x) its bytes are those of a `raw` chunk that was padded, x fastest and channels last.
///
/// Scales in an encoding that cannot be read here are left out. Chunks are not compressed: a gzip is HTTP's affair.
/// - SeeAlso: The Zarr storage specification, version 2; OME-NGFF 0.4.
package struct OMEZarr: Sendable, Hashable {
    /// What a path stands for.
    package enum Resource: Sendable, Hashable {
        /// `.zgroup`
        case group
        /// `.zattrs` of the group: where the levels lie.
        case groupAttributes
        /// `.zmetadata`: all metadata in one text.
        case consolidated
        /// `N/.zarray`
        case array(level: Int)
        /// `N/.zattrs`
        case arrayAttributes(level: Int)
        /// `N/z/y/x` or `N/c/z/y/x`; the cell is one of the level's first grid.
        case chunk(level: Int, cell: Extent3)
    }

    let info: VolumeInfo
    let name: String

    /// - Parameters:
    ///   - info: The volume as it is announced.
    ///   - name: Shown by viewers.
    package init(_ info: VolumeInfo, name: String) {
        self.info = info
        self.name = name
    }

    /// The levels that there are, as places in the volume's scales.
    package var levels: [Int] { info.scales.indices.filter { info.scales[$0].encoding.isReadable } }

    /// What `path`, without a slash in front, stands for; `nil`: there is nothing.
    package func resource(at path: Substring) -> Resource? {
        switch path {
        case ".zgroup": return .group
        case ".zattrs": return .groupAttributes
        case ".zmetadata": return .consolidated
        default: break
        }
        // A level, a channel and three cells are five parts.
        let parts = path.split(separator: "/", maxSplits: 5, omittingEmptySubsequences: false)
        guard let level = parts.first.flatMap(Self.index), level < info.scales.count,
            info.scales[level].encoding.isReadable
        else { return nil }
        if parts.count == 2 {
            switch parts[1] {
            case ".zarray": return .array(level: level)
            case ".zattrs": return .arrayAttributes(level: level)
            default: return nil
            }
        }
        guard parts.count == (hasChannelAxis ? 5 : 4) else { return nil }
        if hasChannelAxis, Self.index(parts[1]) != 0 { return nil }
        let places = parts.suffix(3).compactMap(Self.index)
        guard places.count == 3 else { return nil }
        let cell = Extent3(places[2], places[1], places[0])
        return info.scales[level].grid.contains(cell) ? .chunk(level: level, cell: cell) : nil
    }

    /// The voxels of every chunk of a level along x, y, z, padding included.
    ///
    /// The chunk of the scale's grid, except that an axis with one chunk is not padded beyond the level.
    package func chunkExtent(level: Int) -> Extent3 {
        let scale = info.scales[level]
        var chunk = scale.chunkExtents[0]
        for axis in 0..<3 { chunk[axis] = min(chunk[axis], scale.bounds.extent[axis]) }
        return chunk
    }

    /// The JSON text of a resource, or `nil` for a chunk.
    package func metadata(_ resource: Resource) -> [UInt8]? {
        switch resource {
        case .group: groupJSON.encoded()
        case .groupAttributes: attributesJSON.encoded()
        case .consolidated: consolidatedJSON.encoded()
        case .array(let level): arrayJSON(level).encoded()
        case .arrayAttributes: arrayAttributesJSON.encoded()
        case .chunk: nil
        }
    }

    var hasChannelAxis: Bool { info.channels > 1 }

    /// A plain decimal number of at most 16 digits, without padding zeros.
    private static func index(_ text: Substring) -> Int? {
        guard (1...16).contains(text.utf8.count), text == "0" || text.utf8.first != UInt8(ascii: "0"),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }
}
