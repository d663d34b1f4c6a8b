// SPDX-License-Identifier: Apache-2.0

/// Where one slice of a stage's input or output lies: all voxels with one index along the streaming axis.
///
/// Each of the three is one value a voxel, x fastest, without gaps; `nil` where a stage has none.
struct Slice {
    var image: UnsafeMutableRawPointer?
    var sums: UnsafeMutableRawPointer?
    var counts: UnsafeMutableRawPointer?
}

/// Reduces a window of slices to one.
///
/// Runners keep scratch memory, so each belongs to one lane at a time.
protocol StageRunner: AnyObject {
    ///
    /// * `window`: The slices of one box along the streaming axis: fewer than the factor at the end of a part.
    /// * `index`: The output's index along the streaming axis.
    func reduce(_ window: UnsafeBufferPointer<Slice>, at index: Int, into out: Slice)
}
