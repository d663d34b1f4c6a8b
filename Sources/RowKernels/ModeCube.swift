// SPDX-License-Identifier: Apache-2.0

// Rows of 2x2x2 boxes for the cube steps of segmentation (docs/downsampling.md, Segmentation).
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
///   - out: Receives `count` voxels.
package func modeCountless8(
    width: Int,
    positions: UnsafePointer<UnsafeRawPointer>,
    stride: Int,
    count: Int,
    into out: UnsafeMutableRawPointer
) {
    switch width {
    case 1: cubeRow(Int8.self, CountlessRule.self, positions, stride, count, out)
    case 2: cubeRow(Int16.self, CountlessRule.self, positions, stride, count, out)
    case 4: cubeRow(Int32.self, CountlessRule.self, positions, stride, count, out)
    case 8: cubeRow(Int64.self, CountlessRule.self, positions, stride, count, out)
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
    _ out: UnsafeMutableRawPointer
) {
    if sparse {
        cubeRow(type, MostFrequentNonZeroRule.self, positions, stride, count, out)
    } else {
        cubeRow(type, MostFrequentRule.self, positions, stride, count, out)
    }
}

/// How one label is chosen out of eight.
private protocol CubeRule {
    static func choose<T: LabelBits>(_ box: EightVoxels<T>) -> T
}

private enum CountlessRule: CubeRule {
    @inline(__always)
    static func choose<T: LabelBits>(_ box: EightVoxels<T>) -> T { box.countless }
}

private enum MostFrequentRule: CubeRule {
    @inline(__always)
    static func choose<T: LabelBits>(_ box: EightVoxels<T>) -> T { box.mostFrequent }
}

private enum MostFrequentNonZeroRule: CubeRule {
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
    var i = 0
    if neighbours {
        while i < count {
            let k = i &* 2
            let n = k &+ 1
            let box = EightVoxels(
                v0: p0[k],
                v1: p0[n],
                v2: p2[k],
                v3: p2[n],
                v4: p4[k],
                v5: p4[n],
                v6: p6[k],
                v7: p6[n]
            )
            target[i] = Rule.choose(box)
            i &+= 1
        }
    } else if halves {
        while i < count {
            let k = i &* 2
            let n = k &+ 1
            let box = EightVoxels(
                v0: p0[k],
                v1: p1[k],
                v2: p2[k],
                v3: p3[k],
                v4: p0[n],
                v5: p1[n],
                v6: p2[n],
                v7: p3[n]
            )
            target[i] = Rule.choose(box)
            i &+= 1
        }
    } else if stride == 1 || count == 1 {
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
