// SPDX-License-Identifier: Apache-2.0

// The most frequent label of boxes of up to eight voxels; ties go to the first position.
//
// Invariant: for 0 <= i < count and each position p the callers own a voxel at p + i * stride voxels and at
// out + i, naturally aligned, and `out` overlaps none of the inputs.

/// Writes the most frequent label of each box; ties go to the label that comes first in the order of
/// positions.
///
/// Four and eight positions are vectorised; other counts, which only edges and rare factors have, are not.
/// - Parameters:
///   - width: Bytes of a voxel: 1, 2, 4 or 8.
///   - positions: The first box's voxels, in the order that decides ties.
///   - positionCount: 1 to 8.
///   - stride: Voxels from one box to the next.
///   - count: Boxes.
///   - sparse: Whether 0 is left out; a box of zeros gives 0.
///   - near: Where reading ahead begins, see ``inRuns``.
///   - far: Likewise.
///   - out: Receives `count` voxels.
package func modeFirst(
    width: Int,
    positions: UnsafePointer<UnsafeRawPointer>,
    positionCount: Int,
    stride: Int,
    count: Int,
    sparse: Bool,
    near: UInt,
    far: UInt,
    into out: UnsafeMutableRawPointer
) {
    switch width {
    case 1: firstMode(Int8.self, positions, positionCount, stride, count, sparse, near, far, out)
    case 2: firstMode(Int16.self, positions, positionCount, stride, count, sparse, near, far, out)
    case 4: firstMode(Int32.self, positions, positionCount, stride, count, sparse, near, far, out)
    case 8: firstMode(Int64.self, positions, positionCount, stride, count, sparse, near, far, out)
    default: preconditionFailure("a voxel has 1, 2, 4 or 8 bytes")
    }
}

@inline(__always)
private func firstMode<T: LabelBits>(
    _ type: T.Type,
    _ positions: UnsafePointer<UnsafeRawPointer>,
    _ positionCount: Int,
    _ stride: Int,
    _ count: Int,
    _ sparse: Bool,
    _ near: UInt,
    _ far: UInt,
    _ out: UnsafeMutableRawPointer
) {
    switch positionCount {
    case 8: cubeMostFrequent(type, positions, stride, count, sparse, near, far, out)
    case 4 where sparse: fourRow(type, positions, stride, count, out, fourChoiceSparse)
    case 4: fourRow(type, positions, stride, count, out, fourChoice)
    default: fewRow(type, positions, positionCount, stride, count, sparse, out)
    }
}

@inline(__always)
private func fourChoice<T: FixedWidthInteger>(_ v0: T, _ v1: T, _ v2: T, _ v3: T) -> T {
    // The voxel v0 wins unless it is alone and another label has a pair.
    let pair2 = v2 == v3 ? v2 : v0
    let pair13 = v1 == v3 ? v1 : pair2
    let pair1 = v1 == v2 ? v1 : pair13
    let pair03 = v0 == v3 ? v0 : pair1
    let pair02 = v0 == v2 ? v0 : pair03
    return v0 == v1 ? v0 : pair02
}

@inline(__always)
private func fourChoiceSparse<T: FixedWidthInteger>(_ v0: T, _ v1: T, _ v2: T, _ v3: T) -> T {
    let lone2 = v2 == 0 ? v3 : v2
    let lone1 = v1 == 0 ? lone2 : v1
    let lone = v0 == 0 ? lone1 : v0
    let pair2 = v2 == v3 ? v2 : 0
    let pair13 = v1 == v3 ? v1 : 0
    let pair1 = v1 == v2 ? v1 : pair13
    let pair03 = v0 == v3 ? v0 : 0
    let pair02 = v0 == v2 ? v0 : pair03
    let pair0 = v0 == v1 ? v0 : pair02
    let later = pair1 == 0 ? pair2 : pair1
    let pair = pair0 == 0 ? later : pair0
    return pair == 0 ? lone : pair
}

@inline(__always)
private func fourRow<T: FixedWidthInteger>(
    _ type: T.Type,
    _ positions: UnsafePointer<UnsafeRawPointer>,
    _ stride: Int,
    _ count: Int,
    _ out: UnsafeMutableRawPointer,
    _ choice: (T, T, T, T) -> T
) {
    let width = MemoryLayout<T>.size
    let p0 = positions[0].assumingMemoryBound(to: T.self)
    let p1 = positions[1].assumingMemoryBound(to: T.self)
    let p2 = positions[2].assumingMemoryBound(to: T.self)
    let p3 = positions[3].assumingMemoryBound(to: T.self)
    let target = out.assumingMemoryBound(to: T.self)
    let neighbours = positions[1] == positions[0] + width && positions[3] == positions[2] + width
    let halves = positions[2] == positions[0] + width && positions[3] == positions[1] + width
    var i = 0
    if stride == 2 && neighbours {
        while i < count {
            let k = i &* 2
            target[i] = choice(p0[k], p0[k &+ 1], p2[k], p2[k &+ 1])
            i &+= 1
        }
    } else if stride == 2 && halves {
        while i < count {
            let k = i &* 2
            target[i] = choice(p0[k], p1[k], p0[k &+ 1], p1[k &+ 1])
            i &+= 1
        }
    } else if stride == 1 {
        while i < count {
            target[i] = choice(p0[i], p1[i], p2[i], p3[i])
            i &+= 1
        }
    } else {
        while i < count {
            let k = i &* stride
            target[i] = choice(p0[k], p1[k], p2[k], p3[k])
            i &+= 1
        }
    }
}

@inline(__always)
private func fewRow<T: FixedWidthInteger>(
    _ type: T.Type,
    _ positions: UnsafePointer<UnsafeRawPointer>,
    _ positionCount: Int,
    _ stride: Int,
    _ count: Int,
    _ sparse: Bool,
    _ out: UnsafeMutableRawPointer
) {
    let target = out.assumingMemoryBound(to: T.self)
    var i = 0
    while i < count {
        let k = i &* stride
        var best: T = 0
        var most = 0
        var j = 0
        while j < positionCount {
            let label = positions[j].assumingMemoryBound(to: T.self)[k]
            var equals = 0
            var later = j
            while later < positionCount {
                equals &+= positions[later].assumingMemoryBound(to: T.self)[k] == label ? 1 : 0
                later &+= 1
            }
            if equals > most && !(sparse && label == 0) {
                best = label
                most = equals
            }
            j &+= 1
        }
        target[i] = best
        i &+= 1
    }
}
