// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// One axis of an array as it lies in memory.
struct MemoryAxis: Sendable, Equatable {
    var size: Int
    var factor: Int
    /// 0 … 4 for x, y, z, channel, time; of merged axes any of them, as nothing is reduced along those.
    var logical: Int
}

/// An array's axes in memory order, fastest first, without those that mean nothing.
///
/// Axes up to `stream` make a *part*: an array that is reduced by itself. The axes behind it are not reduced, so
/// the input is `partCount` parts one after another, and a part is `sizes[stream]` slices one after another.
struct Geometry: Sendable {
    let axes: [MemoryAxis]
    /// At least 1, so that a slice is made of whole rows.
    let stream: Int

    /// The axes of a pyramid of `mips` levels.
    ///
    /// `rowLimit`: Bytes of a row above which a slice is not one, where nothing but rows is reduced: then slices are
    /// single voxels, which stream along the row, and memory does not grow with its length (see `LineRunner`).
    init(_ spec: PyramidSpec, mips: Int, rowLimit: Int) {
        let rank = spec.shape.axisCount
        let inMemory = spec.order == .fortran ? Array(0..<rank) : Array((0..<rank).reversed())
        var axes: [MemoryAxis] = []
        for logical in inMemory + Array(rank..<Shape.maxAxes) {
            let size = logical < rank ? spec.shape.sizes[logical] : 1
            let axis = MemoryAxis(size: size, factor: spec.factor[logical], logical: logical)
            if axis.factor == 1, axis.size == 1 { continue }
            if axis.factor == 1, let last = axes.last, last.factor == 1 {
                axes[axes.count - 1].size *= axis.size
            } else {
                axes.append(axis)
            }
        }
        let single = MemoryAxis(size: 1, factor: 1, logical: Shape.maxAxes)
        if axes.isEmpty { axes.append(single) }
        var stream = axes.lastIndex { $0.factor > 1 && $0.size > 1 } ?? 0
        if stream == 0 {
            axes.insert(single, at: axes[0].size > rowLimit / spec.type.byteWidth ? 0 : 1)
            stream = 1
        }
        // Where no box is ever clipped along the streaming axis, parts go on from each other: they are one long part,
        // which is walked in long stretches instead of short ones.
        var reach = 1
        for _ in 0..<mips { reach = reach.multiplied(by: axes[stream].factor, atMost: .max) }
        let isEmpty = axes.contains { $0.size == 0 }
        if stream + 1 < axes.count, !isEmpty, axes[stream].size % reach == 0 {
            for axis in axes[(stream + 1)...] { axes[stream].size *= axis.size }
            axes.removeSubrange((stream + 1)...)
        }
        self.axes = axes
        self.stream = stream
    }

    var partCount: Int { axes[(stream + 1)...].reduce(1) { $0 * $1.size } }

    /// The sizes of a part.
    var partSizes: [Int] { axes[...stream].map(\.size) }

    /// The factors of a part's axes.
    var partFactors: [Int] { axes[...stream].map(\.factor) }
}

extension Int {
    /// `self * other`, at most `limit`; both are at least 1.
    func multiplied(by other: Int, atMost limit: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? limit : Swift.min(product, limit)
    }

    /// The least `b` with `self <= 2^b`; `self` is at least 1.
    var ceilLog2: Int { self <= 1 ? 0 : Int.bitWidth - (self - 1).leadingZeroBitCount }
}
