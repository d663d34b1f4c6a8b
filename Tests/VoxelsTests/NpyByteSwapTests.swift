// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@Suite struct NpyByteSwapTests {
    @Test("Bytes of every voxel are turned round, at any address", arguments: [1, 2, 4, 8], [0, 1, 3])
    func swap(width: Int, offset: Int) {
        for count in [0, 1, 2, 3, 15, 16, 17, 33, 1000] {
            var bytes = (0..<(offset + count * width + 5)).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            var expected = bytes
            for voxel in 0..<count {
                let range = (offset + voxel * width)..<(offset + (voxel + 1) * width)
                expected.replaceSubrange(range, with: bytes[range].reversed())
            }
            bytes.withUnsafeMutableBytes { all in
                let voxels = UnsafeMutableRawBufferPointer(rebasing: all[offset..<(offset + count * width)])
                swapBytes(of: voxels, width: width)
            }
            #expect(bytes == expected)
        }
    }
}
