// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Synchronization
import Voxels

/// What is known of a chunk's parent. Memory is lent.
enum ParentContent {
    /// The source does not have it: zeros.
    case absent
    /// Its voxels, aligned for their type.
    case voxels(UnsafeRawBufferPointer)
    /// Its bytes in the base's encoding, not packed.
    case encoded(UnsafeRawBufferPointer)
}

/// Takes a chunk's parents one after another, and gives the chunk.
///
/// Where every parent ends with a block, each is reduced by itself as it comes, while it is in a near cache; labels
/// without their voxels where that can be (``LabelReduction``). Where blocks reach across parents, all are gathered in a
/// box first.
///
/// Lanes may share it one after another, not at a time.
final class ParentReduction: Sendable {
    private let reduction: BoxReduction
    private let formats: LevelFormats
    private let box: Box3
    /// The box that parents are gathered in; nil: each is reduced by itself.
    private let gathered: BoxVoxels?
    private let state: Mutex<State>

    /// What has been made so far.
    private struct State {
        /// Nil where voxels are needed, which are in `result` then.
        var labels: LabelReduction?
        var result: BoxVoxels?
    }

    /// - Parameters:
    ///   - reduction: How voxels of the base become those of the level.
    ///   - formats: Of the base's chunks and of the level's.
    ///   - box: The chunk's.
    ///   - sourceBox: What of the base it is made of.
    ///   - parents: The boxes of the base's chunks that have something of it.
    /// - Throws: `EngineError.outOfMemory`.
    init(
        _ reduction: BoxReduction,
        _ formats: LevelFormats,
        to box: Box3,
        of sourceBox: Box3,
        parents: [Box3]
    ) throws {
        self.reduction = reduction
        self.formats = formats
        self.box = box
        let factor = reduction.rule.factor
        let isEach = parents.allSatisfy { parent in
            (0..<3).allSatisfy { axis in
                parent.begin[axis] >= sourceBox.begin[axis] && parent.end[axis] <= sourceBox.end[axis]
                    && (parent.begin[axis] == sourceBox.begin[axis] || parent.begin[axis] % factor[axis] == 0)
                    && (parent.end[axis] == sourceBox.end[axis] || parent.end[axis] % factor[axis] == 0)
            }
        }
        let (channels, width) = (reduction.channels, reduction.type.byteWidth)
        gathered = isEach ? nil : try BoxVoxels(sourceBox, channels: channels, width: width)
        let labels = isEach ? LabelReduction(reduction.rule, formats, to: box, parents: parents) : nil
        state = Mutex(State(labels: labels))
    }

    /// Takes a parent, which `name` tells from others where it is broken.
    /// - Throws: As ``BoxReduction/reduce(_:to:isCancelled:)``; ``ServiceError/badGateway(_:)`` when it is broken.
    func take(_ content: ParentContent, of parent: Box3, _ name: String, isCancelled: () -> Bool) throws {
        guard !isCancelled() else { throw CancellationError() }
        let isTaken = try state.withLock { state in
            guard state.labels != nil else { return false }
            if try state.labels?.take(content, of: parent, name) == true { return true }
            // From here on with voxels, as those are that were made already.
            let result = try emptyResult()
            state.labels?.write(to: result)
            (state.labels, state.result) = (nil, result)
            return false
        }
        if isTaken { return }
        switch content {
        case .voxels(let voxels):
            try take(voxels, of: parent, isCancelled)
        case .absent:
            let voxels = try BoxVoxels(parent, channels: reduction.channels, width: reduction.type.byteWidth)
            voxels.clear()
            try take(UnsafeRawBufferPointer(voxels.bytes), of: parent, isCancelled)
        case .encoded(let bytes):
            let voxels = try BoxVoxels(parent, channels: reduction.channels, width: reduction.type.byteWidth)
            try ChunkReading.place(bytes, parent, formats.base, in: voxels, name)
            try take(UnsafeRawBufferPointer(voxels.bytes), of: parent, isCancelled)
        }
    }

    /// The chunk in the level's encoding, when every parent has been taken.
    /// - Throws: As ``BoxReduction/reduce(_:to:isCancelled:)``, and what the encoding cannot write.
    func encoded(isCancelled: () -> Bool) throws -> [UInt8] {
        if let bytes = try state.withLock({ try $0.labels?.encoded() }) { return bytes }
        let voxels = try result()
        if let gathered {
            let bytes = UnsafeRawBufferPointer(gathered.bytes)
            try reduction.reduce(bytes, of: gathered.box, to: box, in: voxels, isCancelled: isCancelled)
        }
        return try formats.made.encode(UnsafeRawBufferPointer(voxels.bytes), extent: box.extent)
    }

    private func take(_ voxels: UnsafeRawBufferPointer, of parent: Box3, _ isCancelled: () -> Bool) throws {
        if let gathered { return gathered.copy(from: voxels, of: parent) }
        let part = parent.downsampled(by: reduction.rule.factor).intersection(box)
        try reduction.reduce(voxels, of: parent, to: part, in: try result(), isCancelled: isCancelled)
    }

    /// Where the chunk's voxels go.
    private func result() throws -> BoxVoxels {
        try state.withLock { state in
            if let result = state.result { return result }
            let result = try emptyResult()
            state.result = result
            return result
        }
    }

    private func emptyResult() throws -> BoxVoxels {
        try BoxVoxels(box, channels: reduction.channels, width: reduction.type.byteWidth)
    }
}
