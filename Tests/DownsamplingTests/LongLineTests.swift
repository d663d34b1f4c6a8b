// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Testing
import Voxels

@Suite("Long rows and long windows")
struct LongLineTests {
    /// What no slab of a usual size cuts: the plan that everything else is compared with.
    private static let whole = 1 << 30

    private static let types: [VoxelType] = [.uint8, .int8, .uint16, .int32, .uint64, .float32, .float64]

    @Test("A line makes the same bits in slabs of any size", arguments: Downsampling.Method.allCases)
    func lines(_ method: Downsampling.Method) throws {
        var random = Seeded.generator()
        for _ in 0..<25 {
            let count = Int.random(in: 1...3000, using: &random)
            let rest = [[], [1], [1, 1], [3], [1, 2]].randomElement(using: &random) ?? []
            let factor = [2, 3, 7, 17, 40, 1000].randomElement(using: &random) ?? 2
            let ones = rest.map { $0 == 1 ? Int.random(in: 1...2, using: &random) : 1 }
            try check(method, [count] + rest, [factor] + ones, &random)
        }
    }

    @Test("A line is a line in whatever place its axis is", arguments: Downsampling.Method.allCases)
    func places(_ method: Downsampling.Method) throws {
        var random = Seeded.generator()
        for _ in 0..<15 {
            var sizes = [1, 1, 1, 1, 1]
            let place = Int.random(in: 0..<5, using: &random)
            sizes[place] = Int.random(in: 60...2000, using: &random)
            let factor = sizes.indices.map {
                $0 == place || $0 < 3 ? Int.random(in: 1...3, using: &random) : 1
            }
            try check(method, sizes, factor, &random)
        }
    }

    @Test("Windows that are cut make the bits of whole ones", arguments: Downsampling.Method.allCases)
    func windows(_ method: Downsampling.Method) throws {
        var random = Seeded.generator()
        for _ in 0..<20 {
            let sizes = [(1...20), (1...9), (20...150), (1...3)].map { Int.random(in: $0, using: &random) }
            let long = [8, 11, 13, 16, 23, 64, 200].randomElement(using: &random) ?? 8
            let short = [1, 1, 2, 3].randomElement(using: &random) ?? 1
            let factor = Bool.random(using: &random) ? [short, 1, long] : [short, short, long]
            try check(method, sizes, factor, &random)
            try check(method, [sizes[2], sizes[0], sizes[1]], [long, short, 1], &random)
        }
    }

    @Test("Floats of windows along one axis keep the order of their additions", arguments: [4, 8])
    func floats(_ width: Int) throws {
        var random = Seeded.generator()
        for _ in 0..<20 {
            let sizes = [(1...20), (1...9), (20...150), (1...3)].map { Int.random(in: $0, using: &random) }
            let long = [8, 11, 16, 23, 200].randomElement(using: &random) ?? 8
            try check(.average, sizes, [1, 1, long], types: [width == 4 ? .float32 : .float64], &random)
        }
    }

    /// In one slab and in small ones.
    private func check(
        _ method: Downsampling.Method,
        _ sizes: [Int],
        _ factor: [Int],
        types: [VoxelType] = LongLineTests.types,
        _ random: inout Seeded
    ) throws {
        guard let type = types.randomElement(using: &random) else { return }
        let hasSparse = [.average, .mode, .median].contains(method)
        let spec = PyramidSpec(
            type: type,
            shape: try Shape(sizes),
            order: Bool.random(using: &random) ? .c : .fortran,
            method: method,
            precision: Bool.random(using: &random) ? .compat : .exact,
            factor: try Factor(factor),
            mips: .count(Int.random(in: 1...6, using: &random)),
            sparse: hasSparse && Bool.random(using: &random)
        )
        // Which of two signed zeros is the least or in the middle is nobody's promise.
        let ordersOnly = [.min, .max, .median].contains(method)
        // Sums that are too wide are so in whatever slabs.
        guard (try? PyramidPlan(spec, slabByteCount: LongLineTests.whole)) != nil else { return }
        let voxels = TestVoxels.make(sizes.reduce(1, *), type, &random)
        let whole = try TestPyramid.make(spec, voxels, slabByteCount: LongLineTests.whole)
        for target in [1, 100, Int.random(in: 1...3000, using: &random)] {
            let lanes = Int.random(in: 1...3, using: &random)
            let made = try TestPyramid.make(spec, voxels, slabByteCount: target, slabsInFlight: lanes)
            for (level, (a, b)) in zip(made, whole).enumerated() {
                let voxel = TestPyramid.difference(a, b, type, zerosEqual: ordersOnly)
                #expect(
                    voxel == nil,
                    "\(spec) slabs of \(target), \(lanes) lanes, level \(level + 1), seed \(random.seed)"
                )
            }
        }
    }
}
