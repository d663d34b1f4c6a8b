// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Testing
import Voxels

@Suite("What is known before the first voxel")
struct PlanTests {
    private func spec(
        _ sizes: [Int],
        _ factor: [Int],
        mips: MipCount = .count(1),
        type: VoxelType = .uint8,
        method: Downsampling.Method = .average,
        precision: Precision = .compat,
        sparse: Bool = false,
        order: MemoryOrder = .fortran,
        levels: ClosedRange<Int>? = nil
    ) throws -> PyramidSpec {
        PyramidSpec(
            type: type,
            shape: try Shape(sizes),
            order: order,
            method: method,
            precision: precision,
            factor: try Factor(factor),
            mips: mips,
            sparse: sparse,
            levels: levels
        )
    }

    @Test("Sizes are divided by the factor and rounded up")
    func shapes() throws {
        let plan = try PyramidPlan(spec([7, 5, 3, 2], [2, 2, 1], mips: .count(3)))
        #expect(plan.levels.map(\.shape.sizes) == [[4, 3, 3, 2], [2, 2, 3, 2], [1, 1, 3, 2]])
        #expect(plan.levels.map(\.byteCount) == [72, 24, 6])
    }

    @Test("Slices whose boxes are never clipped are cut as one long part, all others by themselves")
    func longParts() throws {
        func slab(_ sizes: [Int], mips: Int) throws -> Int {
            try PyramidPlan(spec(sizes, [2, 2, 1], mips: .count(mips)), slabByteCount: 1000).slabByteCount
        }
        #expect(try slab([16, 24, 40], mips: 3) == 16 * 56)
        #expect(try slab([16, 24, 40], mips: 4) == 16 * 24 * 2)
        #expect(try slab([16, 23, 40], mips: 1) == 16 * 23 * 2)
    }

    @Test("All mips end when no downsampled axis is longer than 1")
    func allMips() throws {
        #expect(try PyramidPlan(spec([9, 1, 100], [2, 2, 1], mips: .all)).levels.count == 4)
        #expect(try PyramidPlan(spec([1, 1], [2, 2], mips: .all)).levels.count == 1)
        #expect(try PyramidPlan(spec([5, 5], [1, 1], mips: .all)).levels.count == 1)
        #expect(throws: PlanError.mipCount(40, limit: 32)) {
            try PyramidPlan(spec([1 << 40], [2], mips: .all))
        }
    }

    @Test("Mips above the levels asked for are not made")
    func levels() throws {
        let plan = try PyramidPlan(spec([64, 64], [2, 2], mips: .count(6), levels: 2...3))
        #expect(plan.levels.map(\.mip) == [1, 2, 3])
        #expect(plan.keptLevels.map(\.mip) == [2, 3])
        #expect(throws: PlanError.levelsOutside(2...7, mips: 6)) {
            try PyramidPlan(spec([64, 64], [2, 2], mips: .count(6), levels: 2...7))
        }
    }

    @Test("What means nothing is refused")
    func refusals() throws {
        #expect(throws: PlanError.mipCount(0, limit: 32)) { try PyramidPlan(spec([4], [2], mips: .count(0))) }
        for method in [Downsampling.Method.min, .max, .stride] {
            #expect(throws: PlanError.sparseUnsupported(method)) {
                try PyramidPlan(spec([4, 4], [2, 2], method: method, sparse: true))
            }
        }
        #expect(throws: PlanError.typeUnsupported(.bool, .average)) {
            try PyramidPlan(spec([4, 4], [2, 2], type: .bool))
        }
        #expect(throws: AxesError.factorBelowOne(0, axis: 1)) { try Factor([2, 0]) }
        #expect(throws: AxesError.axisCount(6)) { try Shape([1, 1, 1, 1, 1, 1]) }
        #expect(throws: AxesError.tooLarge(voxelCount: .max)) { try Shape([1 << 40, 1 << 40]) }
    }

    @Test("Sums that would not fit 128 bits are refused, not wrapped")
    func wideSums() throws {
        // lcm(65537, 34463) on both axes: 2^31 each, 64 mips' worth of them in one factor.
        let wide = try spec([100_000, 100_000, 100_000], [65_537, 65_537, 65_537], type: .uint8)
        #expect(throws: PlanError.sumsTooWide) { try PyramidPlan(wide) }
    }

    @Test("Boxes of more voxels than 32 bits count are refused for modes and medians")
    func largeBoxes() throws {
        for method in [Downsampling.Method.mode, .median] {
            let huge = try spec([1 << 20, 1 << 20], [1 << 20, 1 << 20], method: method, precision: .exact)
            #expect(throws: PlanError.boxTooLarge(1 << 40)) { try PyramidPlan(huge) }
        }
    }

    static let cases: [([Int], [Int])] = [
        ([64, 64, 64], [2, 2, 1]), ([64, 64, 64], [2, 2, 2]), ([33, 17, 9, 3], [2, 2, 2]),
        ([1, 1, 50], [2, 2, 2]),
        ([1000], [3]), ([7, 900], [2, 2]), ([5, 6, 7, 8, 9], [1, 2, 1, 2, 1]), ([40, 40, 40], [1, 1, 4]),
        ([64, 64, 64], [64, 64, 64]), ([3, 3], [1, 1]),
    ]

    @Test("Slabs cover the input once, in order", arguments: cases)
    func slabs(_ sizes: [Int], _ factor: [Int]) throws {
        for order in MemoryOrder.allCases {
            for target in [1, 100, 5_000, 1 << 20] {
                for mips in [1, 4] {
                    let plan = try PyramidPlan(
                        spec(sizes, factor, mips: .count(mips), type: .uint16, order: order),
                        slabByteCount: target
                    )
                    var end = 0
                    for index in 0..<plan.slabCount {
                        let range = plan.slabRange(index)
                        #expect(range.lowerBound == end)
                        #expect(!range.isEmpty)
                        #expect(range.count <= plan.slabByteCount)
                        end = range.upperBound
                    }
                    #expect(end == plan.inputByteCount)
                }
            }
        }
    }

    @Test("The price holds the answer and a few slabs, not the upload")
    func price() throws {
        let gigabyte = try PyramidPlan(spec([1024, 1024, 1024], [2, 2, 2], mips: .count(5)))
        let answer = gigabyte.keptLevels.reduce(0) { $0 + $1.byteCount }
        #expect(gigabyte.price(slabsInFlight: 4) > answer)
        #expect(gigabyte.price(slabsInFlight: 4) < answer + 32 << 20)
        let planes = try PyramidPlan(spec([4096, 4096, 64], [2, 2, 1], mips: .count(5), type: .float32))
        let levels = planes.keptLevels.reduce(0) { $0 + $1.byteCount }
        #expect(planes.price(slabsInFlight: 4) < levels + 32 << 20)
    }

    @Test("A line costs some MiB, however long it is")
    func priceOfLines() throws {
        for (sizes, factor) in [([1_000_000_000], [1000]), ([1, 1, 1 << 33], [1, 1, 1 << 10])] {
            let plan = try PyramidPlan(spec(sizes, factor, mips: .count(2)))
            let answer = plan.keptLevels.reduce(0) { $0 + $1.byteCount }
            #expect(plan.price(slabsInFlight: 4) < answer + 48 << 20)
        }
        let twos = try PyramidPlan(spec([1 << 30], [2], mips: .count(20), levels: 20...20))
        #expect(twos.price(slabsInFlight: 4) < 128 << 20)
    }

    @Test("Slabs that are pieces of windows cover the input once, in order, and no piece is of two windows")
    func pieces() throws {
        for (depth, window) in [(100, 100), (100, 200), (100, 8), (100, 9), (97, 13), (41, 40)] {
            for target in [1, 24, 50, 100] {
                let plan = try PyramidPlan(
                    spec([4, 3, depth], [1, 1, window], method: .max),
                    slabByteCount: target
                )
                var end = 0
                for index in 0..<plan.slabCount {
                    let range = plan.slabRange(index)
                    #expect(range.lowerBound == end && !range.isEmpty && range.count <= plan.slabByteCount)
                    if target < 24 {
                        #expect(range.lowerBound / 12 / window == (range.upperBound - 1) / 12 / window)
                    }
                    end = range.upperBound
                }
                #expect(end == plan.inputByteCount)
            }
        }
    }

    @Test("A projection of any depth costs a few slices")
    func priceOfProjections() throws {
        for method in [Method.average, .min, .max, .stride] {
            for precision in Precision.allCases {
                let plan = try PyramidPlan(
                    spec([1000, 1000, 7000], [1, 1, 7000], method: method, precision: precision)
                )
                #expect(plan.price(slabsInFlight: 4) < 80 << 20, "\(method) \(precision)")
            }
        }
    }

    @Test("The price of what no machine has is a number, not an overflow")
    func priceOfTheImpossible() throws {
        let shapes = [
            [64, 1, 16, 536_870_912, 511], [(1 << 52) - 1], [2, 1 << 50], [1 << 50, 2],
            [1 << 25, 1 << 25, 3],
        ]
        for sizes in shapes {
            for order in [MemoryOrder.fortran, .c] {
                for entries in [[1], [1, 1 << 58], [.max, .max, .max], [2, 2, 2, 2, 2], [1, 1, 1, 1, 2]] {
                    for method in [Method.average, .mode, .median, .max, .stride] {
                        let spec = PyramidSpec(
                            type: .float64,
                            shape: try Shape(sizes),
                            order: order,
                            method: method,
                            factor: try Factor(entries),
                            mips: .count(32)
                        )
                        guard let plan = try? PyramidPlan(spec) else { continue }
                        let answer = plan.levels.reduce(0) { $0 + $1.byteCount }
                        for slabs in [1, 1_026] { #expect(plan.price(slabsInFlight: slabs) > answer) }
                    }
                }
            }
        }
    }
}
