// SPDX-License-Identifier: Apache-2.0
package import Downsampling
package import Voxels

/// The voxels of a box: x fastest, then y, z, the channel slowest; not filled with zeros when made.
///
/// Lanes may write disjoint boxes of it at a time; who does is decided by those who share it.
package struct BoxVoxels: Sendable {
    package let box: Box3
    package let channels: Int
    /// Bytes of one voxel of one channel.
    package let width: Int
    let memory: VoxelBuffer

    /// - Throws: `EngineError.outOfMemory` when there is no memory, or the box is larger than any.
    package init(_ box: Box3, channels: Int, width: Int) throws(EngineError) {
        self.box = box
        self.channels = channels
        self.width = width
        guard let voxels = box.extent.product,
            case let (bytes, overflow) = voxels.multipliedReportingOverflow(by: channels * width), !overflow
        else { throw .outOfMemory(.max) }
        memory = try VoxelBuffer(byteCount: bytes)
    }

    package var bytes: UnsafeMutableRawBufferPointer { memory.bytes }

    /// Fills all of it with zeros.
    package func clear() { _ = bytes.initializeMemory(as: UInt8.self, repeating: 0) }

    /// Copies the voxels that both boxes have from `other`, whose memory holds all of `otherBox` in the same order.
    package func copy(from other: UnsafeRawBufferPointer, of otherBox: Box3) {
        let common = box.intersection(otherBox)
        guard !common.isEmpty else { return }
        precondition(
            other.count == (otherBox.extent.product ?? 0) * channels * width,
            "the memory is that of the box"
        )
        let row = common.extent.x * width
        guard let target = bytes.baseAddress, let source = other.baseAddress else { return }
        let (mine, theirs) = (Strides(box, width), Strides(otherBox, width))
        for channel in 0..<channels {
            for z in common.begin.z..<common.end.z {
                for y in common.begin.y..<common.end.y {
                    (target + mine.offset(common.begin.x, y, z, channel)).copyMemory(
                        from: source + theirs.offset(common.begin.x, y, z, channel),
                        byteCount: row
                    )
                }
            }
        }
    }
}

/// Where a voxel of a box lies in its memory, in bytes.
struct Strides {
    private let begin: Extent3
    private let x, y, z, channel: Int

    init(_ box: Box3, _ width: Int) {
        begin = box.begin
        let extent = box.extent
        x = width
        y = x * extent.x
        z = y * extent.y
        channel = z * extent.z
    }

    func offset(_ px: Int, _ py: Int, _ pz: Int, _ channel: Int) -> Int {
        (px - begin.x) * x + (py - begin.y) * y + (pz - begin.z) * z + channel * self.channel
    }
}
