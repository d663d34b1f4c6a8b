// SPDX-License-Identifier: Apache-2.0

/// How the voxels of an array follow one another in memory. Raw values are the API's `order`.
package enum MemoryOrder: String, CaseIterable, Sendable, Hashable {
    /// x fastest, as Neuroglancer and tinybrain have it.
    case fortran = "F"
    /// The last axis fastest.
    case c = "C"
}
