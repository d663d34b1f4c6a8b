// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Origins
import Volumes
import Voxels

extension ServedLevel {
    /// What shows, without decoding it, that an object of a source is no chunk of this level; nil: nothing.
    func outwardFault(_ object: StoredObject, _ place: ChunkPlace) -> String? {
        // No chunk of any encoding is empty.
        guard !object.bytes.isEmpty else { return "it is empty" }
        guard let format, format.encoding != .raw else { return nil }
        let extent = grids[place.grid].box(place.cell).extent
        return object.bytes.withUnsafeBytes {
            format.outwardFault($0, isGzip: object.coding == .gzip, extent: extent)
        }
    }
}
