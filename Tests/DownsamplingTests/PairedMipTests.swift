// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Testing
import Voxels

/// Kernels of averages whose terms are the sums of the mip before, against sums over the source.
@Suite("Mips of boxes of twos")
struct PairedMipTests {
    /// Rows of 1, of a few, and of whole vectors and more at every mip.
    private static let widths = [8, 24, 56, 136, 264]
    private static let factors = [[2, 2, 1], [2, 2, 2], [2, 1, 2], [1, 2, 2], [2, 1, 1], [1, 2, 1]]

    @Test("A mip is made of the source's voxels, whatever was made before", arguments: Kernels.all, factors)
    func mips(kernels: Kernels, factor: [Int]) throws {
        for width in PairedMipTests.widths {
            try average(UInt8.self, .uint8, width, factor, kernels, [.compat, .exact])
            try average(Int8.self, .int8, width, factor, kernels, [.compat, .exact])
            try average(UInt16.self, .uint16, width, factor, kernels, [.compat, .exact])
            try average(Int16.self, .int16, width, factor, kernels, [.compat, .exact])
            // Compat averages of these begin anew at every mip.
            try average(UInt32.self, .uint32, width, factor, kernels, [.exact])
            try average(Int32.self, .int32, width, factor, kernels, [.exact])
        }
    }

    private func average<Voxel: FixedWidthInteger>(
        _: Voxel.Type,
        _ type: VoxelType,
        _ width: Int,
        _ factor: [Int],
        _ kernels: Kernels,
        _ precisions: [Precision]
    ) throws {
        let shape = [width, 8, 8]
        var state = UInt64(width)
        let voxels = (0..<width * 64).map { _ -> Voxel in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let bits = state ^ state >> 29
            let ends: [Voxel] = [0, 0, .min, .max]
            return bits % 3 == 0 ? ends[Int(bits >> 32) % 4] : Voxel(truncatingIfNeeded: bits >> 8)
        }
        for sparse in [false, true] {
            var sums = voxels.map { Int($0) }
            var counts = voxels.map { $0 == 0 && sparse ? 0 : 1 }
            var sizes = shape
            var expected: [[(sum: Int, count: Int)]] = []
            for _ in 1...3 {
                sums = pooled(sums, sizes, factor)
                counts = pooled(counts, sizes, factor)
                sizes = zip(sizes, factor).map { $0 / $1 }
                expected.append(zip(sums, counts).map { ($0, max($1, 1)) })
            }
            for precision in precisions {
                let spec = PyramidSpec(
                    type: type,
                    shape: try Shape(shape),
                    precision: precision,
                    factor: try Factor(factor),
                    mips: .count(3),
                    sparse: sparse
                )
                let made = try TestPyramid.make(spec, voxels.withUnsafeBytes { Array($0) }, kernels: kernels)
                for mip in 0..<3 {
                    let right = expected[mip].map { box in
                        Voxel(precision == .exact ? nearest(box.sum, box.count) : box.sum / box.count)
                    }
                    let words =
                        "\(type), width \(width), factor \(factor), sparse \(sparse), \(precision), mip \(mip + 1)"
                    #expect(made[mip] == right.withUnsafeBytes { Array($0) }, "\(words)")
                }
            }
        }
    }

    /// `sum / count`, ties to even.
    private func nearest(_ sum: Int, _ count: Int) -> Int {
        let floor = (sum - ((sum % count) + count) % count) / count
        let twice = 2 * (sum - floor * count)
        return floor + (twice > count || twice == count && floor % 2 != 0 ? 1 : 0)
    }

    /// The sum of every box; sizes are multiples of the factor.
    private func pooled(_ values: [Int], _ sizes: [Int], _ factor: [Int]) -> [Int] {
        let out = zip(sizes, factor).map { $0 / $1 }
        var result = [Int](repeating: 0, count: out.reduce(1, *))
        for z in 0..<sizes[2] {
            for y in 0..<sizes[1] {
                for x in 0..<sizes[0] {
                    let place = (z / factor[2] * out[1] + y / factor[1]) * out[0] + x / factor[0]
                    result[place] += values[(z * sizes[1] + y) * sizes[0] + x]
                }
            }
        }
        return result
    }
}
