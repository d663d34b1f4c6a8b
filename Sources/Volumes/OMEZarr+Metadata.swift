// SPDX-License-Identifier: Apache-2.0
internal import Voxels

extension OMEZarr {
    var groupJSON: JSONValue { .object(["zarr_format": .integer(2)]) }

    /// Where the levels lie, in nanometres.
    ///
    /// A coordinate of OME is that of a voxel's centre. So voxel 0 of a level with `voxel_offset` o and voxels of
    /// r nm stands at (o + 1/2) r, and every level lies exactly where the precomputed volume has it.
    var attributesJSON: JSONValue {
        var axes: [JSONValue] =
            hasChannelAxis ? [.object(["name": .string("c"), "type": .string("channel")])] : []
        for name in ["z", "y", "x"] {
            axes.append(
                .object(["name": .string(name), "type": .string("space"), "unit": .string("nanometer")])
            )
        }
        let datasets = levels.map { level in
            let scale = info.scales[level]
            let sides = scale.voxelSize
            let centres = (0..<3).map { (Double(scale.bounds.begin[$0]) + 0.5) * sides[$0] }
            return JSONValue.object([
                "path": .string("\(level)"),
                "coordinateTransformations": .array([
                    .object(["type": .string("scale"), "scale": perAxis(sides.entries, channel: 1)]),
                    .object(["type": .string("translation"), "translation": perAxis(centres, channel: 0)]),
                ]),
            ])
        }
        return .object([
            "multiscales": .array([
                .object([
                    "version": .string("0.4"), "name": .string(name), "axes": .array(axes),
                    "datasets": .array(datasets),
                ])
            ])
        ])
    }

    func arrayJSON(_ level: Int) -> JSONValue {
        let channels = hasChannelAxis ? [info.channels] : []
        func inZarrOrder(_ extent: Extent3) -> JSONValue {
            .array((channels + [extent.z, extent.y, extent.x]).map(JSONValue.integer))
        }
        return .object([
            "zarr_format": .integer(2),
            "shape": inZarrOrder(info.scales[level].bounds.extent),
            "chunks": inZarrOrder(chunkExtent(level: level)),
            "dtype": .string(info.type.npyDescr),
            "order": .string("C"),
            "fill_value": .integer(0),
            "filters": .null,
            "compressor": .null,
            "dimension_separator": .string("/"),
        ])
    }

    /// The names of the axes, as xarray looks for them.
    var arrayAttributesJSON: JSONValue {
        let names = (hasChannelAxis ? ["c"] : []) + ["z", "y", "x"]
        return .object(["_ARRAY_DIMENSIONS": .array(names.map(JSONValue.string))])
    }

    var consolidatedJSON: JSONValue {
        var metadata = [".zgroup": groupJSON, ".zattrs": attributesJSON]
        for level in levels {
            metadata["\(level)/.zarray"] = arrayJSON(level)
            metadata["\(level)/.zattrs"] = arrayAttributesJSON
        }
        return .object(["zarr_consolidated_format": .integer(1), "metadata": .object(metadata)])
    }

    /// Numbers along x, y, z in the order of the axes.
    private func perAxis(_ entries: [Double], channel: Double) -> JSONValue {
        .array(((hasChannelAxis ? [channel] : []) + entries.reversed()).map { JSONValue($0) })
    }
}
