// SPDX-License-Identifier: Apache-2.0

// Rule (docs/semantics.md 2.2, overflow): where a sum is not finite, out = T(m), m = the sum, x fastest from 0, in f64, of
// out_(k-1)(i) * (d_i / d) over voxels with d_i > 0; d_i = the weight of voxel i, d = the sum of the weights.

extension FloatAverageRunner {
    /// Makes the voxels again whose sums are not finite.
    func rescueRow(
        _ box: FloatBox,
        sums: UnsafeMutableRawPointer,
        isWide: Bool,
        into image: UnsafeMutableRawPointer
    ) {
        for i in 0..<box.count where !isFinite(sums, i, isWide: isWide) {
            let mean = weightedMean(box, i)
            if average.width == 4 {
                image.assumingMemoryBound(to: Float.self)[i] = Float(mean)
            } else {
                image.assumingMemoryBound(to: Double.self)[i] = mean
            }
        }
    }

    private func isFinite(_ sums: UnsafeMutableRawPointer, _ i: Int, isWide: Bool) -> Bool {
        isWide || average.width == 8
            ? sums.assumingMemoryBound(to: Double.self)[i].isFinite
            : sums.assumingMemoryBound(to: Float.self)[i].isFinite
    }

    private func weightedMean(_ box: FloatBox, _ i: Int) -> Double {
        var total = 0.0
        visitVoxels(box, i) { _, weight in total += weight }
        if total == 0 { total = 1 }
        var mean = 0.0
        visitVoxels(box, i) { value, weight in
            if weight > 0 { mean += value * (weight / total) }
        }
        return mean
    }

    /// Calls `body` with the value and the weight of every voxel of box `i`, x fastest.
    private func visitVoxels(_ box: FloatBox, _ i: Int, _ body: (_ value: Double, _ weight: Double) -> Void) {
        guard let image = box.row.input.image else { return }
        let begin = box.row.begin + (box.begin + i) * grid.factors[0]
        var walk = BoxWalk(
            order: average.rescueOrder,
            extents: grid.extents(box.mask),
            strides: grid.inStrides
        )
        while !walk.isDone {
            let element = begin + walk.offset
            let value =
                average.width == 4
                ? Double(image.assumingMemoryBound(to: Float.self)[element])
                : image.assumingMemoryBound(to: Double.self)[element]
            body(value, weight(box, i, walk.steps, element, value))
            walk.advance()
        }
    }

    private func weight(_ box: FloatBox, _ i: Int, _ steps: [Int], _ element: Int, _ value: Double) -> Double
    {
        if average.isSparse {
            if average.readsCounts, let counts = box.row.input.counts {
                return counts.assumingMemoryBound(to: Double.self)[element]
            }
            return value != 0 ? 1 : 0
        }
        guard case .exact(_, _, let full, let last) = average.rule else { return 1 }
        // How many source voxels the voxel of the mip before stands for.
        var extent = 1.0
        for axis in 0...grid.stream {
            let index = axis == 0 ? box.begin + i : box.row.at(axis)
            let place = index * grid.factors[axis] + steps[axis]
            extent *= Double(place == grid.inSizes[axis] - 1 ? last[axis] : full[axis])
        }
        return extent
    }
}
