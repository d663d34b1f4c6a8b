// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Consecutive slices of a stage's input or output: all voxels with one index along the streaming axis, then those
/// with the next.
///
/// Each of the three is one value a voxel, x fastest, without gaps; `nil` where a stage has none.
struct SliceRun {
    var image: UnsafeMutableRawPointer?
    var sums: UnsafeMutableRawPointer?
    var counts: UnsafeMutableRawPointer?
    var count: Int

    /// Bytes of one slice of each kind.
    struct Pitch: Sendable {
        var image: Int
        let sums: Int
        let counts: Int

        init(voxels: Int, width: Int, carry: Carry) {
            image = voxels * width
            sums = voxels * (carry.sum?.byteWidth ?? 0)
            counts = voxels * (carry.count?.byteWidth ?? 0)
        }
    }

    /// The run from slice `place` on.
    func dropping(_ place: Int, _ pitch: Pitch) -> SliceRun {
        SliceRun(
            image: image.map { $0 + place * pitch.image },
            sums: sums.map { $0 + place * pitch.sums },
            counts: counts.map { $0 + place * pitch.counts },
            count: count - place
        )
    }

    func prefix(_ count: Int) -> SliceRun {
        var run = self
        run.count = count
        return run
    }

    /// The place behind its slices.
    func end(_ pitch: Pitch) -> SliceRun { dropping(count, pitch).prefix(0) }

    /// Counts slices that were made at its ``end(_:)``; where the image lies elsewhere, it is there from the first on.
    mutating func take(_ made: SliceRun) {
        if count == 0, made.count > 0 { image = made.image }
        count += made.count
    }

    /// Copies all slices of `other` behind the `count` that are here already; the memory has room for them.
    mutating func append(_ other: SliceRun, _ pitch: Pitch) {
        let end = dropping(count, pitch)
        if let from = other.image { end.image?.copyMemory(from: from, byteCount: other.count * pitch.image) }
        if let from = other.sums { end.sums?.copyMemory(from: from, byteCount: other.count * pitch.sums) }
        if let from = other.counts {
            end.counts?.copyMemory(from: from, byteCount: other.count * pitch.counts)
        }
        count += other.count
    }
}

/// Memory for a number of slices: all sums, then all counts, then all images, in falling alignment.
struct SliceMemory {
    let buffer: VoxelBuffer
    let pitch: SliceRun.Pitch
    let capacity: Int

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(capacity: Int, pitch: SliceRun.Pitch) throws(EngineError) {
        self.pitch = pitch
        self.capacity = capacity
        buffer = try VoxelBuffer(byteCount: SliceMemory.byteCount(capacity: capacity, pitch: pitch))
    }

    static func byteCount(capacity: Int, pitch: SliceRun.Pitch) -> Int {
        [pitch.sums, pitch.counts, pitch.image].reduce(0) { total, bytes in
            total.addingClamped(capacity.multipliedClamped(by: bytes).aligned)
        }
    }

    /// The memory as a run of `count` slices, for which it must have room.
    func run(count: Int) -> SliceRun {
        precondition(count <= capacity, "slices have room")
        let sums = buffer.base
        let counts = sums + (capacity * pitch.sums).aligned
        let image = counts + (capacity * pitch.counts).aligned
        return SliceRun(
            image: pitch.image > 0 ? image : nil,
            sums: pitch.sums > 0 ? sums : nil,
            counts: pitch.counts > 0 ? counts : nil,
            count: count
        )
    }
}

extension Int {
    /// Rounded up to the alignment of any vector; `Int.max` stays near itself.
    var aligned: Int { addingClamped(63) & ~63 }
}

/// Reduces windows of slices, each to one.
///
/// Runners keep scratch memory, so each belongs to one lane at a time.
protocol StageRunner: AnyObject {
    /// Makes `output.count` slices: slice `i` from the input's slices [i * factor, min((i + 1) * factor, count)).
    ///
    /// `first` is the first output's index along the streaming axis of the part.
    func reduce(_ input: SliceRun, from first: Int, into output: SliceRun)
}
