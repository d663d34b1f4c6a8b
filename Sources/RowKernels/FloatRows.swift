// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * The bits of a float sum depend on the order of its additions, so the caller gives the positions of a box in
//   that order: voxel j of box i is positions[j][i * stride]. Boxes are full, as many as `count`.
// * Each addition is rounded to the sum's type, nothing is reassociated and no multiply is fused with an add.
// * Loops run across boxes, block by block, so that a block's sums stay in the first cache.

/// Adds up boxes of floats: `((0 + v0) + v1) + ...`.
///
/// * `width`: Bytes of a voxel: 4 (`f32`) or 8 (`f64`).
/// * `isWide`: Whether sums are `f64`; else they are of the input's type.
/// * `continues`: Whether the sums go on from what `sums` holds.
/// * `startsAtFirst`: Whether the first term stands alone, so that boxes of -0 keep their sign.
package func sumFloats(
    width: Int,
    isWide: Bool,
    positions: UnsafePointer<UnsafeRawPointer>,
    positionCount: Int,
    stride: Int,
    count: Int,
    continues: Bool,
    startsAtFirst: Bool,
    into sums: UnsafeMutableRawPointer
) {
    @inline(__always)
    func run<In: BinaryFloatingPoint, Sum: BinaryFloatingPoint>(
        _: In.Type,
        _ sumType: Sum.Type,
        _ term: (In) -> Sum
    ) {
        sumBoxes(
            positions,
            positionCount,
            stride,
            count,
            continues,
            startsAtFirst,
            sums.assumingMemoryBound(to: Sum.self),
            term
        )
    }
    switch (width, isWide) {
    case (4, false): run(Float.self, Float.self) { $0 }
    case (4, true): run(Float.self, Double.self) { Double($0) }
    default: run(Double.self, Double.self) { $0 }
    }
}

/// Counts, as doubles, the voxels of each box that are not 0; NaN counts, -0 does not.
///
/// `continues`: Whether the counts go on from what `counts` holds.
package func countFloats(
    width: Int,
    positions: UnsafePointer<UnsafeRawPointer>,
    positionCount: Int,
    stride: Int,
    count: Int,
    continues: Bool,
    into counts: UnsafeMutableRawPointer
) {
    let counts = counts.assumingMemoryBound(to: Double.self)
    if width == 4 {
        sumBoxes(positions, positionCount, stride, count, continues, false, counts) { (voxel: Float) in
            voxel != 0 ? 1 : 0
        }
    } else {
        sumBoxes(positions, positionCount, stride, count, continues, false, counts) { (voxel: Double) in
            voxel != 0 ? 1 : 0
        }
    }
}

/// Adds up boxes of four columns first: `(v0 + v2) + (v1 + v3)`, as tinybrain does where a row is long enough.
package func sumFloatColumns(
    width: Int,
    positions: UnsafePointer<UnsafeRawPointer>,
    stride: Int,
    count: Int,
    into sums: UnsafeMutableRawPointer
) {
    if width == 4 {
        sumColumns(positions, stride, count, sums.assumingMemoryBound(to: Float.self))
    } else {
        sumColumns(positions, stride, count, sums.assumingMemoryBound(to: Double.self))
    }
}

@inline(__always)
private func sumBoxes<In: BinaryFloatingPoint, Sum: BinaryFloatingPoint>(
    _ positions: UnsafePointer<UnsafeRawPointer>,
    _ positionCount: Int,
    _ stride: Int,
    _ count: Int,
    _ continues: Bool,
    _ startsAtFirst: Bool,
    _ sums: UnsafeMutablePointer<Sum>,
    _ term: (In) -> Sum
) {
    var begin = 0
    while begin < count {
        let end = min(begin &+ 512, count)
        var next = 0
        if !continues {
            let first = positions[0].assumingMemoryBound(to: In.self)
            next = 1
            for i in begin..<end {
                sums[i] = startsAtFirst ? term(first[i &* stride]) : 0 + term(first[i &* stride])
            }
        }
        while next < positionCount {
            let row = positions[next].assumingMemoryBound(to: In.self)
            if stride == 1 {
                for i in begin..<end { sums[i] += term(row[i]) }
            } else if stride == 2 {
                for i in begin..<end { sums[i] += term(row[2 &* i]) }
            } else {
                for i in begin..<end { sums[i] += term(row[i &* stride]) }
            }
            next += 1
        }
        begin = end
    }
}

@inline(__always)
private func sumColumns<Voxel: BinaryFloatingPoint>(
    _ positions: UnsafePointer<UnsafeRawPointer>,
    _ stride: Int,
    _ count: Int,
    _ sums: UnsafeMutablePointer<Voxel>
) {
    let a = positions[0].assumingMemoryBound(to: Voxel.self)
    let b = positions[1].assumingMemoryBound(to: Voxel.self)
    let c = positions[2].assumingMemoryBound(to: Voxel.self)
    let d = positions[3].assumingMemoryBound(to: Voxel.self)
    for i in 0..<count {
        let at = i &* stride
        sums[i] = (a[at] + c[at]) + (b[at] + d[at])
    }
}
