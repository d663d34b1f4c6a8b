// SPDX-License-Identifier: Apache-2.0

// Rows of 2x2x2 boxes for the cube steps of segmentation (docs/semantics.md 4).
//
// Invariant: for 0 <= i < count and each position p the callers own a voxel at p + i * stride voxels and at
// out + i, naturally aligned, and `out` overlaps none of the inputs.

/// Writes the label of each box of 2x2x2 voxels by cube step C of segmentation `compat`.
///
/// A label that occurs three times or more wins, ties to the first occurrence; else the first label that has
/// a pair among the first seven voxels; else the eighth.
/// - Parameters:
///   - width: Bytes of a voxel: 1, 2, 4 or 8.
///   - positions: The first box's eight voxels, z-fastest.
///   - stride: Voxels from one box to the next.
///   - count: Boxes.
///   - near: Where reading ahead begins, see ``inRuns``.
///   - far: Likewise.
///   - out: Receives `count` voxels.
package func modeCountless8(
    width: Int,
    positions: UnsafePointer<UnsafeRawPointer>,
    stride: Int,
    count: Int,
    near: UInt,
    far: UInt,
    into out: UnsafeMutableRawPointer
) {
    switch width {
    case 1: cubeRow(Int8.self, CountlessRule.self, positions, stride, count, near, far, out)
    case 2: cubeRow(Int16.self, CountlessRule.self, positions, stride, count, near, far, out)
    case 4: cubeRow(Int32.self, CountlessRule.self, positions, stride, count, near, far, out)
    case 8: cubeRow(Int64.self, CountlessRule.self, positions, stride, count, near, far, out)
    default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
    }
}

/// Cube step F: `modeFirst` for eight positions.
@inline(__always)
func cubeMostFrequent<T: LabelBits>(
    _ type: T.Type,
    _ positions: UnsafePointer<UnsafeRawPointer>,
    _ stride: Int,
    _ count: Int,
    _ sparse: Bool,
    _ near: UInt,
    _ far: UInt,
    _ out: UnsafeMutableRawPointer
) {
    if sparse {
        cubeRow(type, MostFrequentNonZeroRule.self, positions, stride, count, near, far, out)
    } else {
        cubeRow(type, MostFrequentRule.self, positions, stride, count, near, far, out)
    }
}

/// How one label is chosen out of eight.
private protocol CubeRule {
    static var isSparse: Bool { get }
    static func choose<T: LabelBits>(_ box: EightVoxels<T>) -> T
}

private enum CountlessRule: CubeRule {
    @inline(__always)
    static var isSparse: Bool { false }

    @inline(__always)
    static func choose<T: LabelBits>(_ box: EightVoxels<T>) -> T { box.countless }
}

private enum MostFrequentRule: CubeRule {
    @inline(__always)
    static var isSparse: Bool { false }

    @inline(__always)
    static func choose<T: LabelBits>(_ box: EightVoxels<T>) -> T { box.mostFrequent }
}

private enum MostFrequentNonZeroRule: CubeRule {
    @inline(__always)
    static var isSparse: Bool { true }

    @inline(__always)
    static func choose<T: LabelBits>(_ box: EightVoxels<T>) -> T { box.mostFrequentNonZero }
}

/// Chooses for one box where the layout does not vectorise.
@inline(never)
private func chooseAlone<T: LabelBits, Rule: CubeRule>(_ box: EightVoxels<T>, _ rule: Rule.Type) -> T {
    Rule.choose(box)
}

/// Runs the rule over a row, with a loop of its own for each layout that vectorises.
@inline(never)
private func cubeRow<T: LabelBits, Rule: CubeRule>(
    _ type: T.Type,
    _ rule: Rule.Type,
    _ positions: UnsafePointer<UnsafeRawPointer>,
    _ stride: Int,
    _ count: Int,
    _ near: UInt,
    _ far: UInt,
    _ out: UnsafeMutableRawPointer
) {
    let width = MemoryLayout<T>.size
    let p0 = positions[0].assumingMemoryBound(to: T.self)
    let p1 = positions[1].assumingMemoryBound(to: T.self)
    let p2 = positions[2].assumingMemoryBound(to: T.self)
    let p3 = positions[3].assumingMemoryBound(to: T.self)
    let p4 = positions[4].assumingMemoryBound(to: T.self)
    let p5 = positions[5].assumingMemoryBound(to: T.self)
    let p6 = positions[6].assumingMemoryBound(to: T.self)
    let p7 = positions[7].assumingMemoryBound(to: T.self)
    let target = out.assumingMemoryBound(to: T.self)
    let neighbours =
        stride == 2
        && positions[1] == positions[0] + width && positions[3] == positions[2] + width
        && positions[5] == positions[4] + width && positions[7] == positions[6] + width
    let halves =
        stride == 2
        && positions[4] == positions[0] + width && positions[5] == positions[1] + width
        && positions[6] == positions[2] + width && positions[7] == positions[3] + width
    if neighbours {
        pairedRow(rule, (r0: p0, r1: p2, r2: p4, r3: p6), count, near, far, target) { v, n in
            EightVoxels(v0: v.0, v1: n.0, v2: v.1, v3: n.1, v4: v.2, v5: n.2, v6: v.3, v7: n.3)
        }
        return
    }
    if halves {
        pairedRow(rule, (r0: p0, r1: p1, r2: p2, r3: p3), count, near, far, target) { v, n in
            EightVoxels(v0: v.0, v1: v.1, v2: v.2, v3: v.3, v4: n.0, v5: n.1, v6: n.2, v7: n.3)
        }
        return
    }
    var i = 0
    if stride == 1 || count == 1 {
        while i < count {
            let box = EightVoxels(
                v0: p0[i],
                v1: p1[i],
                v2: p2[i],
                v3: p3[i],
                v4: p4[i],
                v5: p5[i],
                v6: p6[i],
                v7: p7[i]
            )
            target[i] = Rule.choose(box)
            i &+= 1
        }
    } else {
        while i < count {
            let k = i &* stride
            let box = EightVoxels(
                v0: p0[k],
                v1: p1[k],
                v2: p2[k],
                v3: p3[k],
                v4: p4[k],
                v5: p5[k],
                v6: p6[k],
                v7: p7[k]
            )
            target[i] = chooseAlone(box, rule)
            i &+= 1
        }
    }
}

/// Runs the rule over boxes whose voxels lie in pairs; `box` names them, given the firsts and seconds of the
/// rows.
@inline(__always)
private func pairedRow<T: LabelBits, Rule: CubeRule>(
    _ rule: Rule.Type,
    _ rows: CubeRows<T>,
    _ count: Int,
    _ near: UInt,
    _ far: UInt,
    _ target: UnsafeMutablePointer<T>,
    _ box: ((T, T, T, T), (T, T, T, T)) -> EightVoxels<T>
) {
    // After a box that must be counted its neighbours are counted, too: they are likely at the same edge.
    inRuns(count, bytes: 8 &* MemoryLayout<T>.size, near: near, far: far) { begin, end in
        let counted = T.skims ? T.skim(rows, begin, end, Rule.isSparse, target) : begin
        for i in counted..<end {
            let k = i &* 2
            let n = k &+ 1
            target[i] = Rule.choose(
                box(
                    (rows.r0[k], rows.r1[k], rows.r2[k], rows.r3[k]),
                    (rows.r0[n], rows.r1[n], rows.r2[n], rows.r3[n])
                )
            )
        }
    }
}
