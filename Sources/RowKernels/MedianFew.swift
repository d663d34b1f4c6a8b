// SPDX-License-Identifier: Apache-2.0

// Medians of four and of eight voxels by least and greatest alone, so that many boxes go side by side.
//
// Least and greatest are selects that fit the machine's instructions; they lose a NaN, so it is looked for
// beside.

/// Writes the medians if the boxes have four or eight voxels in a layout that vectorises; else returns false.
@inline(__always)
func medianFew<T: MedianVoxel>(
    _ type: T.Type,
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ rowCount: Int,
    _ factor: Int,
    _ count: Int,
    _ target: UnsafeMutablePointer<T>
) -> Bool {
    switch (rowCount, factor) {
    case (2, 2): fourPaired(rows, count, target)
    case (4, 1): fourSingle(rows, count, target)
    case (4, 2): eightPaired(rows, count, target)
    case (8, 1): eightSingle(rows, count, target)
    default: return false
    }
    return true
}

@inline(__always)
private func least<T: Comparable>(_ a: T, _ b: T) -> T { b < a ? b : a }

@inline(__always)
private func greatest<T: Comparable>(_ a: T, _ b: T) -> T { a < b ? b : a }

@inline(__always)
private func anyUndefined<T: MedianVoxel>(_ a: T, _ b: T, _ c: T, _ d: T) -> Bool {
    a.isUndefined || b.isUndefined || c.isUndefined || d.isUndefined
}

@inline(__always)
private func medianOfFour<T: MedianVoxel>(_ a: T, _ b: T, _ c: T, _ d: T) -> T {
    let inner = greatest(least(a, b), least(c, d))
    let second = least(inner, least(greatest(a, b), greatest(c, d)))
    return anyUndefined(a, b, c, d) ? T.undefined : second
}

/// Four voxels in ascending order, unless one is NaN.
private struct SortedFour<T: MedianVoxel> {
    let v0: T
    let v1: T
    let v2: T
    let v3: T

    @inline(__always)
    init(_ a: T, _ b: T, _ c: T, _ d: T) {
        let (lowAB, highAB) = (least(a, b), greatest(a, b))
        let (lowCD, highCD) = (least(c, d), greatest(c, d))
        let (inner, outer) = (greatest(lowAB, lowCD), least(highAB, highCD))
        v0 = least(lowAB, lowCD)
        v1 = least(inner, outer)
        v2 = greatest(inner, outer)
        v3 = greatest(highAB, highCD)
    }
}

/// The fourth of eight: the least over all splits of the greatest of i from one half and 4 - i from the
/// other.
@inline(__always)
private func medianOfEight<T: MedianVoxel>(
    _ a: T,
    _ b: T,
    _ c: T,
    _ d: T,
    _ e: T,
    _ f: T,
    _ g: T,
    _ h: T
) -> T {
    let p = SortedFour(a, b, c, d)
    let q = SortedFour(e, f, g, h)
    let even = least(least(p.v3, q.v3), greatest(p.v1, q.v1))
    let odd = least(greatest(p.v0, q.v2), greatest(p.v2, q.v0))
    let undefined = anyUndefined(a, b, c, d) || anyUndefined(e, f, g, h)
    return undefined ? T.undefined : least(even, odd)
}

@inline(never)
private func fourPaired<T: MedianVoxel>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ count: Int,
    _ target: UnsafeMutablePointer<T>
) {
    let p = rows[0].assumingMemoryBound(to: T.self)
    let q = rows[1].assumingMemoryBound(to: T.self)
    var i = 0
    while i < count {
        let k = i &* 2
        target[i] = medianOfFour(p[k], p[k &+ 1], q[k], q[k &+ 1])
        i &+= 1
    }
}

@inline(never)
private func fourSingle<T: MedianVoxel>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ count: Int,
    _ target: UnsafeMutablePointer<T>
) {
    let p = rows[0].assumingMemoryBound(to: T.self)
    let q = rows[1].assumingMemoryBound(to: T.self)
    let r = rows[2].assumingMemoryBound(to: T.self)
    let s = rows[3].assumingMemoryBound(to: T.self)
    var i = 0
    while i < count {
        target[i] = medianOfFour(p[i], q[i], r[i], s[i])
        i &+= 1
    }
}

@inline(never)
private func eightPaired<T: MedianVoxel>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ count: Int,
    _ target: UnsafeMutablePointer<T>
) {
    let p = rows[0].assumingMemoryBound(to: T.self)
    let q = rows[1].assumingMemoryBound(to: T.self)
    let r = rows[2].assumingMemoryBound(to: T.self)
    let s = rows[3].assumingMemoryBound(to: T.self)
    var i = 0
    while i < count {
        let k = i &* 2
        let n = k &+ 1
        target[i] = medianOfEight(p[k], p[n], q[k], q[n], r[k], r[n], s[k], s[n])
        i &+= 1
    }
}

@inline(never)
private func eightSingle<T: MedianVoxel>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ count: Int,
    _ target: UnsafeMutablePointer<T>
) {
    let p0 = rows[0].assumingMemoryBound(to: T.self)
    let p1 = rows[1].assumingMemoryBound(to: T.self)
    let p2 = rows[2].assumingMemoryBound(to: T.self)
    let p3 = rows[3].assumingMemoryBound(to: T.self)
    let p4 = rows[4].assumingMemoryBound(to: T.self)
    let p5 = rows[5].assumingMemoryBound(to: T.self)
    let p6 = rows[6].assumingMemoryBound(to: T.self)
    let p7 = rows[7].assumingMemoryBound(to: T.self)
    var i = 0
    while i < count {
        target[i] = medianOfEight(p0[i], p1[i], p2[i], p3[i], p4[i], p5[i], p6[i], p7[i])
        i &+= 1
    }
}
