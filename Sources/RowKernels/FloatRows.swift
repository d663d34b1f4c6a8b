// SPDX-License-Identifier: Apache-2.0

// Rules of this file:
// * The bits of a float sum depend on the order of its additions, so the caller gives the positions of a box in
//   that order: voxel j of box i is positions[j][i * stride]. Boxes are full, as many as `count`.
// * Each addition is rounded to the sum's type, nothing is reassociated and no multiply is fused with an add.
// * Loops run across boxes, block by block, so that a block's sums stay in the first cache.

/// Boxes whose sums are worked on together.
private let blockCount = 512

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
    let boxes = FloatBoxes(positions: positions, positionCount: positionCount, stride: stride, count: count)
    switch (width, isWide) {
    case (4, false): boxes.sum(Float.self, Float.self, continues, startsAtFirst, sums) { $0 }
    case (4, true): boxes.sum(Float.self, Double.self, continues, startsAtFirst, sums) { Double($0) }
    default: boxes.sum(Double.self, Double.self, continues, startsAtFirst, sums) { $0 }
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
    let boxes = FloatBoxes(positions: positions, positionCount: positionCount, stride: stride, count: count)
    if width == 4 {
        boxes.sum(Float.self, Double.self, continues, false, counts) { $0 != 0 ? 1 : 0 }
    } else {
        boxes.sum(Double.self, Double.self, continues, false, counts) { $0 != 0 ? 1 : 0 }
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
    let boxes = FloatBoxes(positions: positions, positionCount: 4, stride: stride, count: count)
    if width == 4 { boxes.columns(Float.self, sums) } else { boxes.columns(Double.self, sums) }
}

private struct FloatBoxes {
    let positions: UnsafePointer<UnsafeRawPointer>
    let positionCount: Int
    let stride: Int
    let count: Int

    @inline(__always)
    func sum<In: BinaryFloatingPoint, Sum: BinaryFloatingPoint>(
        _: In.Type,
        _: Sum.Type,
        _ continues: Bool,
        _ startsAtFirst: Bool,
        _ sums: UnsafeMutableRawPointer,
        _ term: (In) -> Sum
    ) {
        let sums = sums.assumingMemoryBound(to: Sum.self)
        var begin = 0
        while begin < count {
            let end = min(begin &+ blockCount, count)
            var next = 0
            if !continues {
                let first = positions[0].assumingMemoryBound(to: In.self)
                next = 1
                if stride == 2, positionCount >= 2 {
                    let second = positions[1].assumingMemoryBound(to: In.self)
                    next = 2
                    for i in begin..<end {
                        let head = startsAtFirst ? term(first[2 &* i]) : 0 + term(first[2 &* i])
                        sums[i] = head + term(second[2 &* i])
                    }
                } else {
                    for i in begin..<end {
                        sums[i] = startsAtFirst ? term(first[i &* stride]) : 0 + term(first[i &* stride])
                    }
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
    func columns<Voxel: BinaryFloatingPoint>(_: Voxel.Type, _ sums: UnsafeMutableRawPointer) {
        let sums = sums.assumingMemoryBound(to: Voxel.self)
        let a = positions[0].assumingMemoryBound(to: Voxel.self)
        let b = positions[1].assumingMemoryBound(to: Voxel.self)
        let c = positions[2].assumingMemoryBound(to: Voxel.self)
        let d = positions[3].assumingMemoryBound(to: Voxel.self)
        if stride == 2 {
            for i in 0..<count {
                let at = 2 &* i
                sums[i] = (a[at] + c[at]) + (b[at] + d[at])
            }
        } else {
            for i in 0..<count {
                let at = i &* stride
                sums[i] = (a[at] + c[at]) + (b[at] + d[at])
            }
        }
    }
}
