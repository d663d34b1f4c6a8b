// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Turns a spec into stages.
///
/// A *chain*: each stage reads what the one before made. A *fan*: each reads the source, as the exact mode and the
/// exact median need it.
struct StagePlanner {
    let spec: PyramidSpec
    let geometry: Geometry
    /// How many mips are computed.
    let mips: Int
    /// Whether one mip was asked for: compat averages of floats then have a rule of their own.
    let isSingle: Bool

    enum Topology: Sendable, Equatable { case chain, fan }

    func plan() throws(PlanError) -> (stages: [Stage], topology: Topology) {
        guard !spec.factor.isIdentity else { return (copies(), .chain) }
        switch (spec.method, spec.precision) {
        case (.average, _) where spec.type.isFloat: return (floatAverages(), .chain)
        case (.average, .compat): return (try compatAverages(), .chain)
        case (.average, .exact): return (try exactAverages(), .chain)
        case (.mode, .compat): return (compatModes(), .chain)
        case (.mode, .exact), (.median, .exact): return (fromSource(), mips == 1 ? .chain : .fan)
        case (.min, _), (.max, _): return (chained(.extreme(isMax: spec.method == .max)), .chain)
        case (.median, .compat): return (chained(.median(sparse: spec.sparse)), .chain)
        case (.stride, _): return (chained(.stride), .chain)
        }
    }

    /// A factor of all ones: mips are copies.
    private func copies() -> [Stage] { chained(.stride) }

    /// The same operation on every mip, each from the image before.
    func chained(_ operation: Stage.Operation) -> [Stage] {
        var sizes = geometry.partSizes
        return (1...mips).map { mip in
            let stage = Stage(factors: geometry.partFactors, inSizes: sizes, operation: operation, mip: mip)
            sizes = stage.outSizes
            return stage
        }
    }

    /// Exact mode and median: every mip from the source.
    private func fromSource() -> [Stage] {
        var factors = geometry.partFactors.map { _ in 1 }
        return (1...mips).map { mip in
            factors = sourceReach(factors)
            let operation: Stage.Operation
            if spec.method == .median {
                operation = .median(sparse: spec.sparse)
            } else if factors.allSatisfy({ $0 <= 2 }), factors.filter({ $0 == 2 }).count <= 3 {
                operation = .modeFirst(mirroredBox(factors, order: axesByLogical), sparse: spec.sparse)
            } else {
                operation = .modeBox(rankSteps: rankSteps(factors), sparse: spec.sparse)
            }
            return Stage(factors: factors, inSizes: geometry.partSizes, operation: operation, mip: mip)
        }
    }

    /// Axes of a part, x first.
    var axesByLogical: [Int] {
        (0...geometry.stream).sorted { geometry.axes[$0].logical < geometry.axes[$1].logical }
    }

    /// How far a step along each axis moves in x-fastest order inside a box.
    private func rankSteps(_ factors: [Int]) -> [Int] {
        var steps = factors.map { _ in 0 }
        var step = 1
        for axis in axesByLogical {
            steps[axis] = step
            step = step.multiplied(by: factors[axis], atMost: .max)
        }
        return steps
    }

    /// All positions of a box of twos, the first axis of `order` fastest.
    func mirroredBox(_ factors: [Int], order: [Int]) -> MirroredBox {
        var positions = [factors.map { _ in 0 }]
        for axis in order where factors[axis] == 2 {
            positions += positions.map { position in
                var next = position
                next[axis] = 1
                return next
            }
        }
        return MirroredBox(positions: positions)
    }
}
