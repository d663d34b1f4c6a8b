// SPDX-License-Identifier: Apache-2.0
import Testing

/// Where the voxels of a box lie: places of the first box's voxels, and the stride between boxes.
private struct Layout {
    let places: [Int]
    let stride: Int

    /// Neighbours in memory, halves apart, single rows, and a stride that no fast loop knows.
    static func all(positionCount n: Int, rowLength: Int) -> [Layout] {
        let half = (n + 1) / 2
        return [
            Layout(places: (0..<n).map { $0 / 2 * rowLength + $0 % 2 }, stride: 2),
            Layout(places: (0..<n).map { $0 % half * rowLength + $0 / half }, stride: 2),
            Layout(places: (0..<n).map { $0 * rowLength }, stride: 1),
            Layout(places: (0..<n).map { $0 * rowLength + ($0 & 1) }, stride: 3),
            Layout(places: (0..<n).map { _ in 0 }, stride: 2),
        ]
    }
}

private let counts = [0, 1, 2, 7, 16, 33, 67, 131]

@Suite("Label kernels")
struct LabelKernelTests {
    private func check<T: FixedWidthInteger>(
        _ type: T.Type,
        positionCount: Int,
        reference: ([T]) -> T,
        kernel: (Int, UnsafePointer<UnsafeRawPointer>, Int, Int, UnsafeMutableRawPointer) -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let rowLength = 3 * 131 + 5
        var generator = SeededGenerator(state: 7)
        for labelCount in [1, 3, 9, 40] {
            let palette =
                [0, T.max, T.min]
                + (0..<labelCount).map { _ in T.random(in: .min ... .max, using: &generator) }
            let voxels = (0..<rowLength * 8).map { _ in
                palette[Int.random(in: 0..<labelCount + 1, using: &generator)]
            }
            for layout in Layout.all(positionCount: positionCount, rowLength: rowLength) {
                for count in counts {
                    let expected = (0..<count).map { i in
                        reference(layout.places.map { voxels[$0 + i * layout.stride] })
                    }
                    let made = output(of: voxels, at: layout.places, count: count, sentinel: 99) {
                        rows,
                        out in
                        kernel(MemoryLayout<T>.size, rows, layout.stride, count, out)
                    }
                    #expect(
                        made == expected,
                        "\(T.self), \(labelCount) labels, \(layout), \(count) boxes",
                        sourceLocation: sourceLocation
                    )
                }
            }
        }
    }

    // Where reading ahead begins: nobody's memory, which must not matter.
    private let near: UInt = 64
    private let far: UInt = .max - 4096

    private func checkWidths(
        positionCount: Int,
        rule: LabelRule,
        kernel: (Int, UnsafePointer<UnsafeRawPointer>, Int, Int, UnsafeMutableRawPointer) -> Void
    ) {
        check(UInt8.self, positionCount: positionCount, reference: rule.label, kernel: kernel)
        check(UInt16.self, positionCount: positionCount, reference: rule.label, kernel: kernel)
        check(Int32.self, positionCount: positionCount, reference: rule.label, kernel: kernel)
        check(UInt64.self, positionCount: positionCount, reference: rule.label, kernel: kernel)
    }

    @Test(
        "The plane step takes a label that two of the first three voxels share, else the fourth",
        arguments: KernelSet.all
    )
    func plane(kernels: KernelSet) {
        checkWidths(positionCount: 4, rule: .plane) { width, p, stride, count, out in
            kernels.modePlane(width, p, stride, count, 1, 0, count, near, far, out)
        }
    }

    @Test(
        "The sparse plane step never gives 0 where a voxel is not 0",
        arguments: KernelSet.all,
        [true, false]
    )
    func planeSparse(kernels: KernelSet, nearIsB: Bool) {
        checkWidths(positionCount: 4, rule: .planeSparse(nearIsB: nearIsB)) { width, p, stride, count, out in
            kernels.modePlaneSparse(width, p, nearIsB, stride, count, 1, 0, count, near, far, out)
        }
    }

    @Test("Plane steps of rows at once are those of one row after another", arguments: KernelSet.all)
    func planeRows(kernels: KernelSet) {
        checkRows(UInt8.self, kernels)
        checkRows(UInt16.self, kernels)
        checkRows(Int32.self, kernels)
        checkRows(UInt64.self, kernels)
    }

    private func checkRows<T: FixedWidthInteger>(_ type: T.Type, _ kernels: KernelSet) {
        let width = MemoryLayout<T>.size
        let (lines, rowLength) = (5, 300)
        var generator = SeededGenerator(state: 11)
        let voxels = (0..<2 * lines * rowLength).map { _ in T(Int.random(in: 0..<4, using: &generator)) }
        for places in [[0, 1, rowLength, rowLength + 1], [0, rowLength, 1, rowLength + 1]] {
            for count in counts {
                var expected: [T] = []
                var expectedSparse: [T] = []
                for line in 0..<lines {
                    for box in 0..<count {
                        let v = places.map { voxels[2 * line * rowLength + 2 * box + $0] }
                        expected.append(LabelReference.plane(v[0], v[1], v[2], v[3]))
                        expectedSparse.append(
                            LabelReference.planeSparse(v[0], v[1], v[2], v[3], nearIsB: true)
                        )
                    }
                }
                let step = 2 * rowLength * width
                let made = output(of: voxels, at: places, count: lines * count, sentinel: 99) { rows, out in
                    kernels.modePlane(width, rows, 2, count, lines, step, count, near, far, out)
                }
                #expect(made == expected, "\(T.self), \(count) boxes")
                let sparse = output(of: voxels, at: places, count: lines * count, sentinel: 99) { rows, out in
                    kernels.modePlaneSparse(width, rows, true, 2, count, lines, step, count, near, far, out)
                }
                #expect(sparse == expectedSparse, "\(T.self), \(count) boxes, sparse")
            }
        }
    }

    @Test("The most frequent label wins, ties to the first position", arguments: KernelSet.all, 1...8)
    func mostFrequent(kernels: KernelSet, positionCount: Int) {
        for sparse in [false, true] {
            checkWidths(positionCount: positionCount, rule: .first(sparse: sparse)) {
                width,
                p,
                stride,
                count,
                out in
                kernels.modeFirst(width, p, positionCount, stride, count, sparse, near, far, out)
            }
        }
    }

    @Test(
        "Cube step C takes the first pair among seven where no label occurs three times",
        arguments: KernelSet.all
    )
    func countless(kernels: KernelSet) {
        checkWidths(positionCount: 8, rule: .countless) { width, p, stride, count, out in
            kernels.modeCountless8(width, p, stride, count, near, far, out)
        }
    }

    @Test(
        "The line step takes the first voxel, sparse the second where the first is 0",
        arguments: KernelSet.all
    )
    func line(kernels: KernelSet) {
        for sparse in [false, true] {
            checkWidths(positionCount: 2, rule: .line(sparse: sparse)) { width, p, stride, count, out in
                kernels.modeLine(width, p[0], p[1], stride, count, sparse, out)
            }
        }
    }

    @Test("Striding takes the first voxel of each box, the clipped one too", arguments: KernelSet.all)
    func striding(kernels: KernelSet) {
        for factor in [1, 2, 3, 4, 7, 300] {
            for inputCount in [1, 2, 63, 64, 257] {
                strided(UInt8.self, kernels, factor, inputCount)
                strided(UInt16.self, kernels, factor, inputCount)
                strided(UInt32.self, kernels, factor, inputCount)
                strided(UInt64.self, kernels, factor, inputCount)
            }
        }
    }

    private func strided<T: FixedWidthInteger>(
        _ type: T.Type,
        _ kernels: KernelSet,
        _ factor: Int,
        _ inputCount: Int
    ) {
        let voxels = (0..<inputCount).map { T(truncatingIfNeeded: $0 &* 0x0123_4567_89AB_CDEF) }
        let expected = Swift.stride(from: 0, to: inputCount, by: factor).map { voxels[$0] }
        let made = output(of: voxels, at: [0], count: expected.count, sentinel: 99) { rows, out in
            kernels.strided(MemoryLayout<T>.size, rows[0], factor, inputCount, out)
        }
        #expect(made == expected, "\(T.self), factor \(factor), \(inputCount) voxels")
    }
}

/// A label rule for any voxel type.
private enum LabelRule {
    case plane
    case planeSparse(nearIsB: Bool)
    case first(sparse: Bool)
    case countless
    case line(sparse: Bool)

    func label<T: FixedWidthInteger>(_ box: [T]) -> T {
        switch self {
        case .plane: LabelReference.plane(box[0], box[1], box[2], box[3])
        case .planeSparse(let nearIsB):
            LabelReference.planeSparse(box[0], box[1], box[2], box[3], nearIsB: nearIsB)
        case .first(let sparse): LabelReference.first(box, sparse: sparse)
        case .countless: LabelReference.countless(box)
        case .line(let sparse): sparse && box[0] == 0 ? box[1] : box[0]
        }
    }
}
