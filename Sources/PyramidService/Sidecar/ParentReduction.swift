// SPDX-License-Identifier: Apache-2.0
import Voxels

/// Takes the voxels of a chunk's parents one after another, and gives those of the chunk.
///
/// Where every parent ends with a block, each is reduced by itself as it comes, while it is in a near cache. Where
/// blocks reach across parents, all are gathered in a box first.
///
/// Lanes may share it one after another, not at a time.
struct ParentReduction: Sendable {
    private let reduction: BoxReduction
    private let box: Box3
    private let result: BoxVoxels
    /// The box that parents are gathered in; nil: each is reduced by itself.
    private let gathered: BoxVoxels?

    /// - Parameters:
    ///   - reduction: How voxels of the base become those of the level.
    ///   - box: The chunk's.
    ///   - sourceBox: What of the base it is made of.
    ///   - parents: The boxes of the base's chunks that have something of it.
    /// - Throws: `EngineError.outOfMemory`.
    init(_ reduction: BoxReduction, to box: Box3, of sourceBox: Box3, parents: [Box3]) throws {
        self.reduction = reduction
        self.box = box
        let (channels, width) = (reduction.channels, reduction.type.byteWidth)
        result = try BoxVoxels(box, channels: channels, width: width)
        let factor = reduction.rule.factor
        let isEach = parents.allSatisfy { parent in
            (0..<3).allSatisfy { axis in
                parent.begin[axis] >= sourceBox.begin[axis] && parent.end[axis] <= sourceBox.end[axis]
                    && (parent.begin[axis] == sourceBox.begin[axis] || parent.begin[axis] % factor[axis] == 0)
                    && (parent.end[axis] == sourceBox.end[axis] || parent.end[axis] % factor[axis] == 0)
            }
        }
        gathered = isEach ? nil : try BoxVoxels(sourceBox, channels: channels, width: width)
    }

    /// Takes the voxels of a parent, whose memory is that of `parent`.
    /// - Throws: As ``BoxReduction/reduce(_:to:isCancelled:)``.
    func take(_ voxels: UnsafeRawBufferPointer, of parent: Box3, isCancelled: () -> Bool) throws {
        if let gathered { return gathered.copy(from: voxels, of: parent) }
        let part = parent.downsampled(by: reduction.rule.factor).intersection(box)
        try reduction.reduce(voxels, of: parent, to: part, in: result, isCancelled: isCancelled)
    }

    /// The chunk's voxels, when every parent has been taken.
    /// - Throws: As ``BoxReduction/reduce(_:to:isCancelled:)``.
    func voxels(isCancelled: () -> Bool) throws -> BoxVoxels {
        if let gathered {
            let bytes = UnsafeRawBufferPointer(gathered.bytes)
            try reduction.reduce(bytes, of: gathered.box, to: box, in: result, isCancelled: isCancelled)
        }
        return result
    }
}
