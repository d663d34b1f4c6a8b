// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Pictures for people to look at.
package enum Picture {
    /// Returns a PNG of rows of interleaved samples of 8 bits.
    ///
    /// `channels` is 1 for grey, 2 for grey and alpha, 3 for red, green and blue, 4 with alpha; `pixels` has exactly
    /// their bytes. `level` is the effort of compression, from 0 to 9.
    ///
    /// - Throws: ``ChunkCodecError/unsuitableChannels(_:_:)``, ``ChunkCodecError/pngLevel(_:)``,
    ///   ``ChunkCodecError/pictureTooLarge(_:_:)`` for a side below 1 or above 2^31 - 1, and what goes wrong in writing.
    package static func png(
        width: Int,
        height: Int,
        channels: Int,
        pixels: UnsafeRawBufferPointer,
        level: Int = 4
    ) throws(ChunkCodecError) -> [UInt8] {
        guard (1...4).contains(channels) else { throw .unsuitableChannels(.png, channels) }
        guard (0...9).contains(level) else { throw .pngLevel(level) }
        let sides = 1...PNGWriter.longestSide
        guard sides.contains(width), sides.contains(height) else {
            throw .pictureTooLarge(.png, Extent3(width, height, 1))
        }
        // Below 2^62, but times 4 perhaps not.
        precondition(
            (width * height).multipliedReportingOverflow(by: channels) == (pixels.count, false),
            "exactly the pixels"
        )
        return try PNGWriter()
            .write(
                pixels,
                width: UInt32(width),
                height: UInt32(height),
                components: channels,
                depth: 8,
                level: level
            )
    }
}
