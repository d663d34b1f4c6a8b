// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Voxels

/// The formats of the chunks of two levels, one of which is made of the other.
struct LevelFormats: Sendable {
    let base: ChunkFormat
    let made: ChunkFormat
}

/// Makes a chunk of compressed_segmentation of its parents without their voxels: ``ReducedLabels``, with the engine's
/// kernels.
///
/// The one place that decides where this can be. Everything else is made of voxels, to the same bytes.
struct LabelReduction: Sendable {
    private let factor: Extent3
    private let box: Box3
    private var labels: ReducedLabels
    private let batch: BoxBatch

    /// Nil where a method looks at more than the order of labels, or blocks do not end where parents and boxes do.
    init?(_ rule: LevelRule, _ formats: LevelFormats, to box: Box3, parents: [Box3]) {
        let factor = rule.factor
        guard rule.steps == 1,
            let labels = ReducedLabels(
                from: formats.base,
                to: formats.made,
                factor: factor,
                extent: box.extent,
                keepsZero: rule.sparse
            ),
            parents.allSatisfy({ Self.fits($0, box, factor) }),
            let batch = BoxBatch(
                rule.method,
                rule.precision,
                sparse: rule.sparse,
                factor: factor,
                boxCount: labels.batchBoxCount
            )
        else { return nil }
        self.factor = factor
        self.box = box
        self.labels = labels
        self.batch = batch
    }

    /// Whether a parent is of whole blocks, each of which is a whole piece of the chunk.
    private static func fits(_ parent: Box3, _ box: Box3, _ factor: Extent3) -> Bool {
        ReducedLabels.hasWholeBlocks(parent.extent)
            && (0..<3).allSatisfy { axis in
                let begin = parent.begin[axis] / factor[axis]
                let end = begin + parent.extent[axis] / factor[axis]
                return parent.begin[axis] % factor[axis] == 0
                    && begin >= box.begin[axis] && end <= box.end[axis]
                    && (begin - box.begin[axis]) % (8 / factor[axis]) == 0
            }
    }

    /// Takes a parent; false if only its voxels will do.
    /// - Throws: ``ServiceError/badGateway(_:)`` when it is broken, `EngineError.outOfMemory`.
    mutating func take(_ content: ParentContent, of parent: Box3, _ name: String) throws -> Bool {
        switch content {
        case .voxels: return false
        case .absent: return true
        case .encoded(let bytes):
            var corner = Extent3(repeating: 0)
            for axis in 0..<3 { corner[axis] = parent.begin[axis] / factor[axis] - box.begin[axis] }
            let reduce = try batch.makeReducer()
            do throws(ChunkCodecError) {
                return try labels.take(bytes, extent: parent.extent, at: corner, reduce: reduce)
            } catch {
                throw ChunkReading.broken(name, error.message)
            }
        }
    }

    /// Writes what has been made, and zeros elsewhere, to voxels of the chunk's box.
    func write(to voxels: BoxVoxels) { labels.write(to: voxels.bytes) }

    /// The bytes of the chunk.
    /// - Throws: `ChunkCodecError` if it is too large for its encoding.
    func encoded() throws -> [UInt8] { try labels.encoded() }
}
