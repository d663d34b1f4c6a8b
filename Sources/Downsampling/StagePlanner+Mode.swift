// SPDX-License-Identifier: Apache-2.0
internal import Voxels

// Rules (docs/semantics.md 4): a factor whose three spatial entries are powers of two is taken in halvings, every axis
// that has some left at once: three axes a cube step, two a plane step, one a line step. Everything else strides.

extension StagePlanner {
    func compatModes() -> [Stage] {
        let spatial = Array(spec.factor.entries[..<3])
        let reducesMore = spec.factor[3] > 1 || spec.factor[4] > 1
        let isPlane = spatial == [2, 2, 1]
        let isCube = spatial == [2, 2, 2]
        let halves = spatial.allSatisfy { $0 & ($0 - 1) == 0 }
        let modal = isCube || (halves && (!spec.type.isFloat || isPlane && !spec.sparse))
        guard modal, !reducesMore else { return chained(.stride) }

        var stages: [Stage] = []
        var sizes = geometry.partSizes
        for mip in 1...mips {
            var left = spatial
            while let largest = left.max(), largest > 1 {
                let axes = (0..<3).filter { left[$0] > 1 }
                for axis in axes { left[axis] /= 2 }
                let isLast = left.allSatisfy { $0 == 1 }
                // Where every size is 1 a step changes nothing, so the last one stands for all of them.
                if !isLast, sizes.allSatisfy({ $0 <= 1 }) { continue }
                let step = halving(axes, of: sizes, countless: !isCube, mip: isLast ? mip : nil)
                stages.append(step)
                sizes = step.outSizes
            }
        }
        return stages
    }

    /// One halving along the spatial `axes`.
    private func halving(_ axes: [Int], of sizes: [Int], countless: Bool, mip: Int?) -> Stage {
        // An axis behind the stream has one voxel: its mirrored neighbour is that voxel, and it has no place here.
        let places = axes.map { logical in
            (0...geometry.stream).first { geometry.axes[$0].logical == logical }
        }
        var factors = sizes.map { _ in 1 }
        for case let place? in places { factors[place] = 2 }
        let order = countless && axes.count == 3 && !spec.sparse ? Array(places.reversed()) : places
        let box = mirroredBox(sizes.count, order)
        let operation: Stage.Operation =
            switch axes.count {
            case 3 where countless && !spec.sparse: .modeCountless(box)
            case 3: .modeFirst(box, sparse: spec.sparse)
            case 2: .modePlane(box, sparse: spec.sparse, nearIsSecond: axes == [1, 2])
            default: .modeLine(box, sparse: spec.sparse)
            }
        return Stage(factors: factors, inSizes: sizes, operation: operation, mip: mip)
    }

    /// All positions of a box of twos, the first place of `order` fastest; `nil` is an axis of one voxel.
    private func mirroredBox(_ axisCount: Int, _ order: [Int?]) -> MirroredBox {
        var positions = [Array(repeating: 0, count: axisCount)]
        for place in order {
            positions += positions.map { position in
                var next = position
                if let place { next[place] = 1 }
                return next
            }
        }
        return MirroredBox(positions: positions)
    }
}
