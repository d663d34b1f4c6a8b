// SPDX-License-Identifier: Apache-2.0
internal import CTurboJPEG
internal import Voxels

/// libjpeg-turbo's reader: one picture after another, never two at once.
struct JPEGDecompressor: ~Copyable {
    struct Head {
        /// In pixels; 0 when there is no picture.
        let width: Int
        let height: Int
        let components: Int
    }

    private let handle: tjhandle

    /// - Throws: ``ChunkCodecError/outOfMemory``.
    init() throws(ChunkCodecError) {
        guard let handle = tjInitDecompress() else { throw .outOfMemory }
        self.handle = handle
    }

    deinit { _ = tjDestroy(handle) }

    /// Reads up to the first scan, which allocates nothing for pixels. C function: `tjDecompressHeader3`.
    func head(_ bytes: UnsafeRawBufferPointer) throws(ChunkCodecError) -> Head {
        var width: Int32 = 0
        var height: Int32 = 0
        var subsampling: Int32 = 0
        var colours: Int32 = 0
        let base = bytes.bindMemory(to: UInt8.self).baseAddress
        guard
            tjDecompressHeader3(handle, base, UInt(bytes.count), &width, &height, &subsampling, &colours) == 0
        else { throw fault }
        let components =
            switch UInt32(bitPattern: colours) {
            case UInt32(TJCS_GRAY.rawValue): 1
            case UInt32(TJCS_RGB.rawValue), UInt32(TJCS_YCbCr.rawValue): 3
            default: 4
            }
        return Head(width: Int(width), height: Int(height), components: components)
    }

    /// Writes the pixels, row after row; of three components interleaved, as red, green and blue.
    ///
    /// `pixels` has exactly the bytes that `head`, this picture's own, says. A warning, such as one of a truncated
    /// or spoilt scan, is an error here. So are more than 500 scans, which cost time out of proportion. A
    /// progressive picture's coefficients, two bytes each, are in memory all at once. C function: `tjDecompress2`.
    func decompress(
        _ bytes: UnsafeRawBufferPointer,
        _ head: Head,
        into pixels: UnsafeMutableRawBufferPointer
    ) throws(ChunkCodecError) {
        precondition(
            pixels.count == head.width * head.height * head.components && head.components != 4,
            "room for exactly the pixels"
        )
        let code = tjDecompress2(
            handle,
            bytes.bindMemory(to: UInt8.self).baseAddress,
            UInt(bytes.count),
            pixels.bindMemory(to: UInt8.self).baseAddress,
            Int32(head.width),
            Int32(head.width * head.components),
            Int32(head.height),
            Int32((head.components == 1 ? TJPF_GRAY : TJPF_RGB).rawValue),
            TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
        )
        guard code == 0 else { throw fault }
    }

    private var fault: ChunkCodecError {
        .corruptPicture(.jpeg, reason: String(cString: tjGetErrorStr2(handle)))
    }
}
