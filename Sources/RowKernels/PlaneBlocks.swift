// SPDX-License-Identifier: Apache-2.0
internal import CLanes

// Rules of this file:
// * The rules of `ModePlane.swift`, for boxes whose voxels lie in pairs, and rows of a vector of boxes and more.
// * Vectors are written out for the reasons in `PairBlocks.swift`. Every rule looks at one box in one lane, so boxes may
//   be mixed, as `CLanes` has it, until the labels are chosen.
// * A line's last vector ends where the line ends: some boxes are made once more, the same.

/// Labels of boxes side by side, 32 bytes of them.
protocol LabelVector: SIMD where Scalar: FixedWidthInteger {
    /// Firsts and seconds of pairs that follow one another, mixed.
    static func pairs(_ row: UnsafeRawPointer) -> (firsts: Self, seconds: Self)
    /// `label` in the lanes where `x` and `y` are the same.
    func replaced(by label: Self, where x: Self, is y: Self) -> Self
}

extension SIMD32: LabelVector where Scalar == Int8 {
    @inline(__always)
    static func pairs(_ row: UnsafeRawPointer) -> (firsts: Self, seconds: Self) {
        let low = row.loadUnaligned(as: Self.self)
        let high = (row + 32).loadUnaligned(as: Self.self)
        return (clanes_mixed_evens_b(low, high), clanes_mixed_odds_b(low, high))
    }

    @inline(__always)
    func replaced(by label: Self, where x: Self, is y: Self) -> Self { clanes_replaced_b(self, label, x, y) }
}

extension SIMD16: LabelVector where Scalar == Int16 {
    @inline(__always)
    static func pairs(_ row: UnsafeRawPointer) -> (firsts: Self, seconds: Self) {
        let low = row.loadUnaligned(as: Self.self)
        let high = (row + 32).loadUnaligned(as: Self.self)
        return (clanes_mixed_evens_h(low, high), clanes_mixed_odds_h(low, high))
    }

    @inline(__always)
    func replaced(by label: Self, where x: Self, is y: Self) -> Self { clanes_replaced_h(self, label, x, y) }
}

extension SIMD8: LabelVector where Scalar == Int32 {
    @inline(__always)
    static func pairs(_ row: UnsafeRawPointer) -> (firsts: Self, seconds: Self) {
        let low = row.loadUnaligned(as: Self.self)
        let high = (row + 32).loadUnaligned(as: Self.self)
        return (clanes_mixed_evens_i(low, high), clanes_mixed_odds_i(low, high))
    }

    @inline(__always)
    func replaced(by label: Self, where x: Self, is y: Self) -> Self { clanes_replaced_i(self, label, x, y) }
}

extension SIMD4: LabelVector where Scalar == Int64 {
    @inline(__always)
    static func pairs(_ row: UnsafeRawPointer) -> (firsts: Self, seconds: Self) {
        let low = row.loadUnaligned(as: Self.self)
        let high = (row + 32).loadUnaligned(as: Self.self)
        return (clanes_mixed_evens_l(low, high), clanes_mixed_odds_l(low, high))
    }

    @inline(__always)
    func replaced(by label: Self, where x: Self, is y: Self) -> Self { clanes_replaced_l(self, label, x, y) }
}

/// How a label is chosen out of four.
protocol PlaneBlockRule {
    static func choose<V: LabelVector>(_ a: V, _ b: V, _ c: V, _ d: V) -> V
}

/// As ``planeChoice``.
enum PlaneRule: PlaneBlockRule {
    @inline(__always)
    static func choose<V: LabelVector>(_ a: V, _ b: V, _ c: V, _ d: V) -> V {
        d.replaced(by: b, where: b, is: c).replaced(by: a, where: a, is: c).replaced(by: a, where: a, is: b)
    }
}

/// As ``planeChoiceSparse``; `b` is the near one.
enum SparsePlaneRule: PlaneBlockRule {
    @inline(__always)
    static func choose<V: LabelVector>(_ a: V, _ b: V, _ c: V, _ d: V) -> V {
        let none = V()
        let sides = b.replaced(by: c, where: b, is: none)
        let origin = a.replaced(by: sides, where: a, is: none)
        let lone = d.replaced(by: origin, where: d, is: none)
        let twins = none.replaced(by: b, where: b, is: c)
        let pick = twins.replaced(by: a, where: a, is: c).replaced(by: a, where: a, is: b)
        return pick.replaced(by: lone, where: pick, is: none)
    }
}

/// Chooses the labels of a row; `false`, with nothing done, where its boxes are too few or lie otherwise.
@inline(__always)
func planeBlocks<Rule: PlaneBlockRule>(
    _: Rule.Type,
    _ width: Int,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer,
    _ c: UnsafeRawPointer,
    _ d: UnsafeRawPointer,
    _ stride: Int,
    _ count: Int,
    _ near: UInt,
    _ far: UInt,
    _ out: UnsafeMutableRawPointer
) -> Bool {
    guard stride == 2, count &* width >= 32 else { return false }
    let isAlongFirst = b == a + width && d == c + width
    guard isAlongFirst || c == a + width && d == b + width else { return false }
    @inline(__always)
    func run<V: LabelVector>(_: V.Type) {
        let width = MemoryLayout<V.Scalar>.size
        if isAlongFirst {
            planeWalk(V.self, count, near, far, out) { at in
                let (first, second) = (V.pairs(a + 2 &* width &* at), V.pairs(c + 2 &* width &* at))
                return Rule.choose(first.firsts, first.seconds, second.firsts, second.seconds)
            }
        } else {
            planeWalk(V.self, count, near, far, out) { at in
                let (first, second) = (V.pairs(a + 2 &* width &* at), V.pairs(b + 2 &* width &* at))
                return Rule.choose(first.firsts, second.firsts, first.seconds, second.seconds)
            }
        }
    }
    switch width {
    case 1: run(SIMD32<Int8>.self)
    case 2: run(SIMD16<Int16>.self)
    case 4: run(SIMD8<Int32>.self)
    case 8: run(SIMD4<Int64>.self)
    default: return false
    }
    return true
}

/// `labels` gives those of a vector of boxes from a place on, mixed.
@inline(__always)
private func planeWalk<V: LabelVector>(
    _: V.Type,
    _ count: Int,
    _ near: UInt,
    _ far: UInt,
    _ out: UnsafeMutableRawPointer,
    _ labels: (Int) -> V
) {
    let width = MemoryLayout<V.Scalar>.size
    inRuns(count, bytes: 4 &* width, near: near, far: far) { begin, end in
        var next = begin
        while next < end {
            let at = min(next, end &- V.scalarCount)
            let mixed = unsafeBitCast(labels(at), to: SIMD4<Int64>.self)
            (out + at &* width).storeBytes(of: clanes_unmixed_labels(mixed), as: SIMD4<Int64>.self)
            next &+= V.scalarCount
        }
    }
}
