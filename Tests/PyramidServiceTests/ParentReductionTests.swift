// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Testing
import Voxels

@testable import PyramidService

struct ParentReductionTests {
    private func rule(_ factor: Extent3, _ method: Downsampling.Method) -> LevelRule {
        LevelRule(base: 0, stepFactor: factor, steps: 1, method: method, precision: .exact, sparse: false)
    }

    private func random(_ box: Box3, _ seed: inout SystemRandomNumberGenerator) throws -> BoxVoxels {
        let voxels = try BoxVoxels(box, channels: 2, width: 2)
        for index in voxels.bytes.indices {
            voxels.bytes[index] = index % 2 == 0 ? UInt8.random(in: 0...3) : 0
        }
        return voxels
    }

    @Test(
        "Parents one by one give what they give together, wherever blocks and bounds lie",
        arguments: [
            // Parents that end with blocks; some that do not; bounds that cut the first block short.
            (begin: Extent3(0, 0, 0), chunk: Extent3(8, 8, 4), factor: Extent3(2, 2, 2)),
            (begin: Extent3(0, 0, 0), chunk: Extent3(7, 8, 5), factor: Extent3(2, 2, 2)),
            (begin: Extent3(-3, 5, 1), chunk: Extent3(8, 8, 4), factor: Extent3(2, 2, 2)),
            (begin: Extent3(-4, 6, -2), chunk: Extent3(8, 4, 4), factor: Extent3(2, 2, 1)),
            (begin: Extent3(-7, 0, 2), chunk: Extent3(9, 6, 4), factor: Extent3(3, 3, 2)),
            (begin: Extent3(1, 1, 1), chunk: Extent3(64, 64, 64), factor: Extent3(4, 4, 4)),
        ],
        [Downsampling.Method.average, .mode, .max]
    )
    func together(_ volume: (begin: Extent3, chunk: Extent3, factor: Extent3), _ method: Downsampling.Method)
        throws
    {
        var seed = SystemRandomNumberGenerator()
        let size = Extent3(23, 17, 11)
        var end = volume.begin
        for axis in 0..<3 { end[axis] += size[axis] }
        let bounds = Box3(begin: volume.begin, end: end)
        let rule = rule(volume.factor, method)
        let reduction = BoxReduction(rule: rule, type: .uint16, channels: 2)
        let all = try random(bounds, &seed)
        var box = bounds.downsampled(by: volume.factor)
        // A part of the level, not at its begin.
        box.begin.x += 1
        let sourceBox = rule.sourceBox(of: box, in: bounds)
        let source = try BoxVoxels(sourceBox, channels: 2, width: 2)
        source.copy(from: UnsafeRawBufferPointer(all.bytes), of: bounds)
        let want = try reduction.reduce(source, to: box) { false }

        let parents = chunks(of: bounds, volume.chunk).filter { !$0.intersection(sourceBox).isEmpty }
        let raw = try ChunkFormat(encoding: .raw, type: .uint16, channels: 2)
        let formats = LevelFormats(base: raw, made: raw)
        let one = try ParentReduction(reduction, formats, to: box, of: sourceBox, parents: parents)
        for (number, parent) in parents.reversed().enumerated() {
            let voxels = try BoxVoxels(parent, channels: 2, width: 2)
            voxels.copy(from: UnsafeRawBufferPointer(all.bytes), of: bounds)
            let bytes = UnsafeRawBufferPointer(voxels.bytes)
            // Raw bytes are voxels in either way.
            try one.take(number % 2 == 0 ? .voxels(bytes) : .encoded(bytes), of: parent, "") { false }
        }
        #expect(try one.encoded { false }.elementsEqual(want.bytes))
    }

    private func chunks(of bounds: Box3, _ chunk: Extent3) -> [Box3] {
        var boxes = [bounds]
        for axis in 0..<3 {
            boxes = boxes.flatMap { box in
                stride(from: box.begin[axis], to: box.end[axis], by: chunk[axis]).map { begin in
                    var part = box
                    part.begin[axis] = begin
                    part.end[axis] = min(box.end[axis], begin + chunk[axis])
                    return part
                }
            }
        }
        return boxes
    }
}
