// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Testing
import Voxels

@Suite("The engine")
struct EngineTests {
    @Test("A level's bytes are ready in order, and only when they are final")
    func readiness() throws {
        let spec = PyramidSpec(
            type: .uint8,
            shape: try Shape([16, 16, 8]),
            method: .max,
            factor: try Factor([2, 2, 2]),
            mips: .count(3)
        )
        let plan = try PyramidPlan(spec, slabByteCount: 512)
        let engine = try PyramidEngine(plan, slabsInFlight: 2)
        let slab = [UInt8](repeating: 9, count: 512)
        #expect(plan.slabCount == 4)
        try slab.withUnsafeBytes { bytes in
            try engine.reduce(slab: 1, bytes, isCancelled: { false })
            #expect(engine.readyByteCount(mip: 1) == 0)
            try engine.reduce(slab: 0, bytes, isCancelled: { false })
            #expect(engine.readyByteCount(mip: 1) == 128)
            #expect(engine.readyByteCount(mip: 2) == 16)
            #expect(engine.readyByteCount(mip: 3) == 0)
            try engine.reduce(slab: 2, bytes, isCancelled: { false })
            try engine.reduce(slab: 3, bytes, isCancelled: { false })
        }
        #expect((1...3).map { engine.readyByteCount(mip: $0) } == [256, 32, 4])
        #expect(engine.level(3).allSatisfy { $0 == 9 })
    }

    @Test("A cancelled slab throws and writes nothing")
    func cancellation() throws {
        let spec = PyramidSpec(type: .uint8, shape: try Shape([8, 8]), factor: try Factor([2, 2]))
        let engine = try PyramidEngine(try PyramidPlan(spec), slabsInFlight: 1)
        let voxels = [UInt8](repeating: 1, count: 64)
        _ = voxels.withUnsafeBytes { bytes in
            #expect(throws: EngineError.cancelled) {
                try engine.reduce(slab: 0, bytes, isCancelled: { true })
            }
        }
        #expect(engine.readyByteCount(mip: 1) == 0)
    }

    @Test("Memory that cannot be had is an error")
    func outOfMemory() throws {
        let spec = PyramidSpec(
            type: .uint8,
            shape: try Shape([1 << 50]),
            method: .stride,
            factor: try Factor([1])
        )
        let plan = try PyramidPlan(spec)
        #expect(throws: EngineError.outOfMemory(1 << 50)) { try PyramidEngine(plan, slabsInFlight: 1) }
    }

    @Test("Levels that are not asked for change nothing in those that are")
    func levels() throws {
        var generator = SystemRandomNumberGenerator()
        let sizes = [37, 21, 13]
        for method in [Downsampling.Method.average, .mode, .median] {
            for precision in Precision.allCases {
                for type in [VoxelType.uint8, .uint32, .float32] {
                    let count = sizes.reduce(1, *) * type.byteWidth
                    let voxels = (0..<count).map { _ in UInt8.random(in: 0...3, using: &generator) }
                    var spec = PyramidSpec(
                        type: type,
                        shape: try Shape(sizes),
                        method: method,
                        precision: precision,
                        factor: try Factor([2, 2, 2]),
                        mips: .count(4)
                    )
                    let all = try TestPyramid.make(spec, voxels, slabByteCount: 700, slabsInFlight: 2)
                    spec.levels = 2...3
                    let some = try TestPyramid.make(spec, voxels, slabByteCount: 700, slabsInFlight: 2)
                    #expect(some == Array(all[1...2]), "\(method) \(precision) \(type)")
                }
            }
        }
    }

    /// Slabs of one window, of several, and of more than the last stage's windows: what a slab hands on ends in the
    /// middle of a window of the stage behind it.
    @Test(
        "Slabs of any size make what one slab makes",
        arguments: [[3, 3, 3], [2, 2, 3], [5, 2, 5], [1, 1, 4]]
    )
    func slabSizes(_ factor: [Int]) throws {
        var generator = SystemRandomNumberGenerator()
        let slice = 11 * 7
        for method in Downsampling.Method.allCases {
            for (precision, levels) in [(Precision.compat, nil), (.exact, nil), (.compat, 3...3)] {
                for sliceCount in [12, 13, 29, 37] {
                    var spec = PyramidSpec(
                        type: .uint8,
                        shape: try Shape([11, 7, sliceCount]),
                        method: method,
                        precision: precision,
                        factor: try Factor(factor),
                        mips: .count(3)
                    )
                    spec.levels = levels
                    let voxels = (0..<slice * sliceCount).map { _ in
                        UInt8.random(in: 0...9, using: &generator)
                    }
                    let whole = try TestPyramid.make(spec, voxels)
                    for slices in 1..<sliceCount {
                        let parts = try TestPyramid.make(spec, voxels, slabByteCount: slice * slices)
                        #expect(parts == whole, "\(method) \(precision) \(sliceCount) slices by \(slices)")
                    }
                }
            }
        }
    }

    @Test("A restarted engine makes what a new one makes", arguments: Downsampling.Method.allCases)
    func restart(_ method: Downsampling.Method) throws {
        var generator = SystemRandomNumberGenerator()
        for precision in Precision.allCases {
            for type in [VoxelType.uint8, .uint64, .float32] {
                let spec = PyramidSpec(
                    type: type,
                    shape: try Shape([37, 21, 13]),
                    method: method,
                    precision: precision,
                    factor: try Factor([2, 2, 2]),
                    mips: .count(4)
                )
                let plan = try PyramidPlan(spec, slabByteCount: 700)
                let engine = try PyramidEngine(plan, slabsInFlight: 2)
                for _ in 0..<3 {
                    let voxels = (0..<plan.inputByteCount).map { _ in
                        UInt8.random(in: 0...63, using: &generator)
                    }
                    let made = try TestPyramid.levels(of: engine, voxels, slabsInFlight: 2)
                    #expect(try made == TestPyramid.make(spec, voxels), "\(precision) \(type)")
                    engine.restart()
                    #expect((1...4).allSatisfy { engine.readyByteCount(mip: $0) == 0 })
                }
            }
        }
    }

    @Test("Lanes side by side make the bits that one lane makes", arguments: Downsampling.Method.allCases)
    func lanes(_ method: Downsampling.Method) async throws {
        let spec = PyramidSpec(
            type: .uint16,
            shape: try Shape([61, 45, 40]),
            method: method,
            factor: try Factor([2, 2, 2]),
            mips: .count(4)
        )
        let plan = try PyramidPlan(spec, slabByteCount: 11_000)
        var generator = SystemRandomNumberGenerator()
        let voxels = (0..<plan.inputByteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let expected = try TestPyramid.make(spec, voxels)
        let lanes = 4
        let engine = try PyramidEngine(plan, slabsInFlight: lanes)
        for begin in stride(from: 0, to: plan.slabCount, by: lanes) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in begin..<min(begin + lanes, plan.slabCount) {
                    group.addTask {
                        let range = plan.slabRange(index)
                        let slab = try VoxelBuffer(byteCount: range.count)
                        slab.bytes.copyBytes(from: voxels[range])
                        try engine.reduce(
                            slab: index,
                            UnsafeRawBufferPointer(slab.bytes),
                            isCancelled: { false }
                        )
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(plan.keptLevels.map { Array(engine.level($0.mip)) } == expected)
    }
}
