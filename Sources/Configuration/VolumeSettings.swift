// SPDX-License-Identifier: Apache-2.0

/// One entry of `volumes`: a volume that has some mips somewhere, and how its further ones are made.
package struct VolumeSettings: Sendable, Equatable {
    package enum Method: String, CaseIterable, Sendable {
        case average, mode, min, max, median, stride
    }
    package enum Precision: String, CaseIterable, Sendable {
        case exact, compat
    }
    package enum Encoding: String, CaseIterable, Sendable {
        case raw, jpeg, png
        case compressedSegmentation = "compressed_segmentation"
    }
    /// How many voxels of a level make one of the next, along x, y, z.
    package enum Factor: Sendable, Equatable {
        case fixed([Int])
        /// Towards cubes.
        case auto
    }
    /// How many levels are made beyond the source's own.
    package enum Mips: Sendable, Equatable {
        case all
        case count(Int)
    }

    package let name: String
    /// A folder, or an `http://` or `https://` URL, of a precomputed volume.
    package var source: String
    /// `nil`: by the kind in the source's `info`.
    package var method: Method?
    package var factor = Factor.fixed([2, 2, 1])
    package var mips = Mips.all
    package var precision = Precision.exact
    package var sparse = false
    /// Of the levels made here; `nil`: the source's.
    package var encoding: Encoding?
    /// Where it stands, for complaints that only the source's `info` gives rise to.
    package var place: ConfigurationError.Place

    package init(name: String, source: String, place: ConfigurationError.Place) {
        self.name = name
        self.source = source
        self.place = place
    }
}
