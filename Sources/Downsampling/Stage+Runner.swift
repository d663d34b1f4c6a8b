// SPDX-License-Identifier: Apache-2.0

extension Stage {
    /// Bytes of scratch that a runner of this stage needs.
    func scratchByteCount(width: Int) -> Int {
        switch operation {
        case .integerAverage(let average): IntegerAverageRunner.scratchByteCount(self, average)
        case .floatAverage: FloatAverageRunner.scratchByteCount(self)
        case .modeBox: Kernels.modeBoxScratchByteCount(width: width, boxVoxelCount: boxVoxelCount)
        case .median: Kernels.medianScratchByteCount(width: width, boxVoxelCount: boxVoxelCount)
        case .modePlane, .modeFirst, .modeCountless, .modeLine, .extreme, .stride: 0
        }
    }

    var boxVoxelCount: Int { factors.reduce(1) { $0.multiplied(by: $1, atMost: 1 << 48) } }

    /// Bytes that a runner of this stage takes: scratch and pointers.
    func workingByteCount(width: Int) -> Int {
        if let line = LinePlan(self) { return line.workingByteCount(width: width) }
        return rowsByteCount(width: width)
    }

    /// The same for a runner of rows.
    func rowsByteCount(width: Int) -> Int {
        let rows = factors.dropFirst().reduce(1) { $0.multiplied(by: $1, atMost: 1 << 48) }
        return scratchByteCount(width: width) + rows * 64 + 4096
    }

    func makeRunner(kernels: Kernels, type: RowCode) throws(EngineError) -> any StageRunner {
        if let line = LinePlan(self) { return try LineRunner(line, kernels: kernels, type: type) }
        return try makeRowRunner(kernels: kernels, type: type)
    }

    /// A runner of rows, however short they are.
    func makeRowRunner(kernels: Kernels, type: RowCode) throws(EngineError) -> any StageRunner {
        let scratch = try VoxelBuffer(byteCount: scratchByteCount(width: type.byteWidth))
        switch operation {
        case .integerAverage(let average):
            return try IntegerAverageRunner(self, average, kernels: kernels, scratch: scratch)
        case .floatAverage(let average):
            return try FloatAverageRunner(self, average, kernels: kernels, scratch: scratch)
        case .modePlane(let box, _, _), .modeFirst(let box, _), .modeCountless(let box),
            .modeLine(let box, _):
            return try MirroredModeRunner(self, box, width: type.byteWidth, kernels: kernels)
        case .modeBox, .extreme, .median, .stride:
            return try BoxRunner(self, type: type, kernels: kernels, scratch: scratch)
        }
    }
}
