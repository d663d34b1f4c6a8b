// SPDX-License-Identifier: Apache-2.0
import RowKernels
import Testing

/// A voxel type with its code and a supply of awkward values.
protocol OrderVoxel: Comparable, Sendable {
    static var code: UInt8 { get }
    static var awkward: [Self] { get }
    static var zero: Self { get }
    static func random(_ generator: inout SeededGenerator) -> Self
    var isNotANumber: Bool { get }
}

extension FixedWidthInteger where Self: OrderVoxel {
    static var awkward: [Self] { [0, 0, 1, .max, .min] }
    static func random(_ generator: inout SeededGenerator) -> Self {
        random(in: .min ... .max, using: &generator)
    }
    var isNotANumber: Bool { false }
}

extension BinaryFloatingPoint where Self: OrderVoxel, RawSignificand: FixedWidthInteger {
    static var awkward: [Self] { [0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude] }
    static func random(_ generator: inout SeededGenerator) -> Self { random(in: -9...9, using: &generator) }
    var isNotANumber: Bool { self != self }
}

extension UInt8: OrderVoxel { static var code: UInt8 { RowType.u8.rawValue } }
extension UInt16: OrderVoxel { static var code: UInt8 { RowType.u16.rawValue } }
extension UInt32: OrderVoxel { static var code: UInt8 { RowType.u32.rawValue } }
extension UInt64: OrderVoxel { static var code: UInt8 { RowType.u64.rawValue } }
extension Int8: OrderVoxel { static var code: UInt8 { RowType.i8.rawValue } }
extension Int16: OrderVoxel { static var code: UInt8 { RowType.i16.rawValue } }
extension Int32: OrderVoxel { static var code: UInt8 { RowType.i32.rawValue } }
extension Int64: OrderVoxel { static var code: UInt8 { RowType.i64.rawValue } }
extension Float: OrderVoxel { static var code: UInt8 { RowType.f32.rawValue } }
extension Double: OrderVoxel { static var code: UInt8 { RowType.f64.rawValue } }

private let types: [any OrderVoxel.Type] = [
    UInt8.self, UInt16.self, UInt32.self, UInt64.self, Int8.self, Int16.self, Int32.self, Int64.self,
    Float.self,
    Double.self,
]

/// Rows, factor and voxels of a row.
private let shapes = [
    (1, 1, 5), (2, 1, 40), (4, 1, 77), (8, 1, 133), (1, 2, 31), (2, 2, 1), (2, 2, 301), (4, 2, 2),
    (4, 2, 263),
    (1, 3, 50), (3, 3, 100), (9, 3, 80), (4, 4, 130), (16, 4, 70), (5, 5, 4), (13, 5, 61), (25, 9, 100),
    (3, 700, 500),
    (40, 60, 121),
]

@Suite("Extreme and median kernels")
struct OrderKernelTests {
    /// Random voxels, some awkward; one in `nanOdds` NaN where the type has it.
    private func voxels<T: OrderVoxel>(_ type: T.Type, count: Int, nanOdds: Int, seed: UInt64) -> [T] {
        var generator = SeededGenerator(state: seed)
        return (0..<count).map { _ in
            if nanOdds > 0 && Int.random(in: 0..<nanOdds, using: &generator) == 0 { return T.undefinedOrZero }
            let isAwkward = Int.random(in: 0..<4, using: &generator) == 0
            return isAwkward ? T.awkward.randomElement(using: &generator) ?? .zero : T.random(&generator)
        }
    }

    private func box<T>(_ voxels: [T], _ rowCount: Int, _ inputCount: Int, _ factor: Int, _ i: Int) -> [T] {
        let (start, end) = (i * factor, min((i + 1) * factor, inputCount))
        var box: [T] = []
        for r in 0..<rowCount { box += voxels[(r * inputCount + start)..<(r * inputCount + end)] }
        return box
    }

    private func agree<T: OrderVoxel>(_ a: [T], _ b: [T]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || ($0.isNotANumber && $1.isNotANumber) }
    }

    private func check<T: OrderVoxel>(
        _ type: T.Type,
        reference: ([T]) -> T,
        kernel: (UnsafePointer<UnsafeRawPointer>, Int, Int, Int, UnsafeMutableRawPointer) -> Void
    ) {
        for (rowCount, factor, inputCount) in shapes {
            for nanOdds in [0, 60] {
                let seed = UInt64(rowCount * 1000 + factor)
                let voxels = voxels(type, count: rowCount * inputCount, nanOdds: nanOdds, seed: seed)
                let outputCount = (inputCount + factor - 1) / factor
                let expected = (0..<outputCount).map {
                    reference(box(voxels, rowCount, inputCount, factor, $0))
                }
                let places = (0..<rowCount).map { $0 * inputCount }
                let made = output(of: voxels, at: places, count: outputCount, sentinel: T.awkward[2]) {
                    rows,
                    out in
                    kernel(rows, rowCount, factor, inputCount, out)
                }
                #expect(
                    agree(made, expected),
                    "\(T.self), \(rowCount) rows, factor \(factor), \(inputCount) voxels"
                )
            }
        }
    }

    private func checkExtreme<T: OrderVoxel>(_ type: T.Type, _ kernels: KernelSet, isMax: Bool) {
        check(
            type,
            reference: { box in
                if let undefined = box.first(where: \.isNotANumber) { return undefined }
                return (isMax ? box.max() : box.min()) ?? .zero
            },
            kernel: { rows, rowCount, factor, inputCount, out in
                kernels.extreme(T.code, isMax, rows, rowCount, factor, inputCount, out)
            }
        )
    }

    private func checkMedian<T: OrderVoxel>(_ type: T.Type, _ kernels: KernelSet, sparse: Bool) {
        check(
            type,
            reference: { box in
                let live = sparse ? box.filter { $0 != .zero } : box
                if let undefined = live.first(where: \.isNotANumber) { return undefined }
                return live.isEmpty ? .zero : live.sorted()[(live.count - 1) / 2]
            },
            kernel: { rows, rowCount, factor, inputCount, out in
                let boxVoxelCount = rowCount * min(factor, inputCount)
                let byteCount = kernels.medianScratchByteCount(MemoryLayout<T>.size, boxVoxelCount)
                withScratch(byteCount: byteCount) { scratch in
                    kernels.median(T.code, sparse, rows, rowCount, factor, inputCount, scratch, out)
                }
            }
        )
    }

    @Test("The greatest voxel of a box wins, and NaN over every number", arguments: KernelSet.all)
    func maximum(kernels: KernelSet) {
        for type in types { checkExtreme(type, kernels, isMax: true) }
    }

    @Test("The least voxel of a box wins, and NaN over every number", arguments: KernelSet.all)
    func minimum(kernels: KernelSet) {
        for type in types { checkExtreme(type, kernels, isMax: false) }
    }

    @Test(
        "The median is the lower of the two middle voxels, NaN if the box has one",
        arguments: KernelSet.all
    )
    func median(kernels: KernelSet) {
        for type in types { checkMedian(type, kernels, sparse: false) }
    }

    @Test(
        "The sparse median leaves out zeros of either sign, and is 0 where nothing is left",
        arguments: KernelSet.all
    )
    func sparseMedian(kernels: KernelSet) {
        for type in types { checkMedian(type, kernels, sparse: true) }
    }

    @Test("A large box gives its median whatever the order of its voxels", arguments: KernelSet.all)
    func ordered(kernels: KernelSet) {
        let count = 20_001
        let rising = (0..<count).map { UInt32($0) }
        let organPipe = (0..<count).map { UInt32(min($0, count - $0)) }
        let teeth = (0..<count).map { UInt32($0 % 7) }
        for voxels in [rising, rising.reversed(), organPipe, teeth] {
            let made = output(of: voxels, at: [0], count: 1, sentinel: 99) { rows, out in
                withScratch(byteCount: kernels.medianScratchByteCount(4, count)) { scratch in
                    kernels.median(RowType.u32.rawValue, false, rows, 1, count, count, scratch, out)
                }
            }
            #expect(made == [voxels.sorted()[(count - 1) / 2]])
        }
    }
}

extension OrderVoxel {
    /// NaN where the type has it.
    static var undefinedOrZero: Self {
        if let undefined = Float.nan as? Self { return undefined }
        return Double.nan as? Self ?? .zero
    }
}
