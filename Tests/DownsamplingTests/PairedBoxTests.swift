// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Testing
import Voxels

/// Kernels that take a row in pieces and ask for later ones, against means and modes taken box by box.
@Suite("Boxes of twos")
struct PairedBoxTests {
    /// Around the sizes of pieces of all types; and of even widths only, as clipped boxes have their vectors.
    private static let widths = [2, 14, 16, 18, 30, 32, 34, 62, 64, 66, 126, 130, 254, 256, 258, 514, 1030]
    private static let factors = [[2, 2, 1], [2, 2, 2], [2, 1, 2]]

    @Test("An average is the sum over the number of voxels, cut toward zero", arguments: Kernels.all, factors)
    func averages(kernels: Kernels, factor: [Int]) throws {
        for width in PairedBoxTests.widths {
            try average(UInt8.self, .uint8, width, factor, kernels)
            try average(Int8.self, .int8, width, factor, kernels)
            try average(UInt16.self, .uint16, width, factor, kernels)
            try average(Int16.self, .int16, width, factor, kernels)
            try average(Int32.self, .int32, width, factor, kernels)
            try average(UInt64.self, .uint64, width, factor, kernels)
            try average(Int64.self, .int64, width, factor, kernels)
        }
    }

    @Test("An exact average is rounded, ties to even", arguments: Kernels.all, factors)
    func exactAverages(kernels: Kernels, factor: [Int]) throws {
        for width in PairedBoxTests.widths {
            try average(UInt8.self, .uint8, width, factor, kernels, precision: .exact)
            try average(Int16.self, .int16, width, factor, kernels, precision: .exact)
            try average(UInt64.self, .uint64, width, factor, kernels, precision: .exact)
            try average(Int64.self, .int64, width, factor, kernels, precision: .exact)
        }
    }

    @Test(
        "A float is infinite, NaN or subnormal where its box says so, and nowhere else",
        arguments: Kernels.all
    )
    func floats(kernels: Kernels) throws {
        let odd: [Float] = [
            .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -0.0, 0, .greatestFiniteMagnitude,
        ]
        for factor in [[2, 2, 1], [2, 2, 2]] {
            for width in PairedBoxTests.widths {
                let shape = [width, 6, 4]
                var random = Sequence(seed: UInt64(width))
                let voxels = (0..<width * 24).map { _ -> Float in
                    let bits = random.next()
                    return bits % 19 == 0
                        ? odd[Int(bits >> 32) % odd.count] : Float(Int32(truncatingIfNeeded: bits))
                }
                for sparse in [false, true] {
                    let expected = boxes(shape, factor, voxels).map { box -> Float in
                        let sum = box.dropFirst().reduce(Double(box[0])) { $0 + Double($1) }
                        let live = box.count { $0 != 0 }
                        return Float(sum / Double(sparse ? max(live, 1) : box.count))
                    }
                    let made = try make(.float32, shape, .average, factor, voxels, kernels, sparse: sparse)
                    let place = TestPyramid.difference(made, bytes(expected), .float32)
                    #expect(place == nil, "width \(width), factor \(factor), sparse \(sparse)")
                }
            }
        }
    }

    @Test("A label that changes in the last box of a row is seen", arguments: Kernels.all)
    func lastBox(kernels: Kernels) throws {
        for factor in [[2, 2, 1], [2, 2, 2]] {
            for width in PairedBoxTests.widths {
                try label(UInt8.self, .uint8, width, factor, kernels)
                try label(UInt16.self, .uint16, width, factor, kernels)
                try label(UInt32.self, .uint32, width, factor, kernels)
                try label(UInt64.self, .uint64, width, factor, kernels)
            }
        }
    }

    private func average<Voxel: FixedWidthInteger>(
        _: Voxel.Type,
        _ type: VoxelType,
        _ width: Int,
        _ factor: [Int],
        _ kernels: Kernels,
        precision: Precision = .compat
    ) throws {
        let shape = [width, 6, 4]
        var random = Sequence(seed: UInt64(width))
        let voxels = (0..<width * 24).map { _ -> Voxel in
            let bits = random.next()
            let ends: [Voxel] = [0, .min, .max, .max - 1]
            return bits % 3 == 0 ? ends[Int(bits >> 32) % 4] : Voxel(truncatingIfNeeded: bits >> 8)
        }
        for sparse in [false, true] {
            let expected = boxes(shape, factor, voxels).map { box -> Voxel in
                let sum = box.reduce(0 as Int128) { $0 + Int128($1) }
                let count = Int128(sparse ? max(box.count { $0 != 0 }, 1) : box.count)
                guard precision == .exact else { return Voxel(sum / count) }
                let floor = (sum - ((sum % count) + count) % count) / count
                let twice = 2 * (sum - floor * count)
                return Voxel(floor + (twice > count || twice == count && floor % 2 != 0 ? 1 : 0))
            }
            let made = try make(type, shape, .average, factor, voxels, kernels, sparse: sparse, precision)
            #expect(made == bytes(expected), "\(type), width \(width), factor \(factor), sparse \(sparse)")
        }
    }

    private func label<Voxel: FixedWidthInteger>(
        _: Voxel.Type,
        _ type: VoxelType,
        _ width: Int,
        _ factor: [Int],
        _ kernels: Kernels
    ) throws {
        let shape = [width, 6, 4]
        // One label everywhere but in the last box of each row, whose voxels all have another.
        let voxels = (0..<width * 24).map { Voxel($0 % width >= width - 2 ? 7 : 200) }
        let expected = boxes(shape, factor, voxels).map { $0[0] }
        let made = try make(type, shape, .mode, factor, voxels, kernels)
        #expect(made == bytes(expected), "\(type), width \(width), factor \(factor)")
    }

    private func make<Voxel>(
        _ type: VoxelType,
        _ shape: [Int],
        _ method: Downsampling.Method,
        _ factor: [Int],
        _ voxels: [Voxel],
        _ kernels: Kernels,
        sparse: Bool = false,
        _ precision: Precision = .compat
    ) throws -> [UInt8] {
        let spec = PyramidSpec(
            type: type,
            shape: try Shape(shape),
            method: method,
            precision: precision,
            factor: try Factor(factor),
            sparse: sparse
        )
        return try TestPyramid.make(spec, bytes(voxels), kernels: kernels)[0]
    }

    /// The voxels of each box, x fastest, boxes in the order of the level; sizes are multiples of the factor.
    private func boxes<Voxel>(_ shape: [Int], _ factor: [Int], _ voxels: [Voxel]) -> [[Voxel]] {
        var result: [[Voxel]] = []
        for z in stride(from: 0, to: shape[2], by: factor[2]) {
            for y in stride(from: 0, to: shape[1], by: factor[1]) {
                for x in stride(from: 0, to: shape[0], by: factor[0]) {
                    var box: [Voxel] = []
                    for k in z..<z + factor[2] {
                        for j in y..<y + factor[1] {
                            for i in x..<x + factor[0] {
                                box.append(voxels[(k * shape[1] + j) * shape[0] + i])
                            }
                        }
                    }
                    result.append(box)
                }
            }
        }
        return result
    }

    private func bytes<Voxel>(_ voxels: [Voxel]) -> [UInt8] { voxels.withUnsafeBytes { Array($0) } }
}

/// Numbers that look random and are the same every time.
private struct Sequence {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}
