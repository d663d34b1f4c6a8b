// SPDX-License-Identifier: Apache-2.0
internal import CTurboJPEG
internal import Voxels

/// libjpeg-turbo's writer: one picture after another, never two at once.
struct JPEGCompressor: ~Copyable {
    /// Most pixels along a side; libjpeg has no more.
    static let longestSide = 65_500

    private let handle: tjhandle

    /// - Throws: ``ChunkCodecError/outOfMemory``.
    init() throws(ChunkCodecError) {
        guard let handle = tjInitCompress() else { throw .outOfMemory }
        self.handle = handle
    }

    deinit { _ = tjDestroy(handle) }

    /// Returns a baseline JPEG of rows of pixels, of one component or of interleaved red, green and blue.
    ///
    /// Colours are not subsampled: the rows of a picture that stands for a chunk are no neighbours in y at every
    /// y-th one, and its channels need not be colours, so that their halves would run into each other.
    /// Sides are from 1 to ``longestSide``. C function: `tjCompress2`.
    func compress(
        _ pixels: UnsafeRawBufferPointer,
        width: Int,
        height: Int,
        components: Int,
        quality: Int
    ) throws(ChunkCodecError) -> [UInt8] {
        precondition(
            (1...Self.longestSide).contains(width) && (1...Self.longestSide).contains(height)
                && (components == 1 || components == 3) && pixels.count == width * height * components,
            "exactly the pixels"
        )
        // Owned by libjpeg, which makes it as large as it needs to be.
        var bytes: UnsafeMutablePointer<UInt8>?
        var count: UInt = 0
        let code = tjCompress2(
            handle,
            pixels.bindMemory(to: UInt8.self).baseAddress,
            Int32(width),
            Int32(width * components),
            Int32(height),
            Int32((components == 1 ? TJPF_GRAY : TJPF_RGB).rawValue),
            &bytes,
            &count,
            Int32((components == 1 ? TJSAMP_GRAY : TJSAMP_444).rawValue),
            // libjpeg takes 0 for 1, but this function does not.
            Int32(max(1, quality)),
            TJFLAG_ACCURATEDCT
        )
        defer { tjFree(bytes) }
        guard code == 0 else {
            throw .pictureNotWritten(.jpeg, reason: String(cString: tjGetErrorStr2(handle)))
        }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    }
}
