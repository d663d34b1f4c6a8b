// SPDX-License-Identifier: Apache-2.0
internal import CSPNG
internal import Voxels

/// libspng's reader of one picture.
struct PNGReader: ~Copyable {
    /// Most bytes of an ancillary chunk, such as a colour profile, and of all of them, inflated.
    private static let ancillaryLimit = 1 << 20

    struct Head {
        /// In pixels.
        let width: Int
        let height: Int
        /// Bits of a sample.
        let depth: Int
        /// Samples of a pixel; `nil` with a palette.
        let components: Int?
    }

    private let context: OpaquePointer

    /// `bytes` must outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer) throws(ChunkCodecError) {
        // libspng takes a null pointer for our mistake.
        guard let base = bytes.baseAddress else { throw .corruptPicture(.png, reason: "no bytes") }
        guard let context = spng_ctx_new(0) else { throw .outOfMemory }
        self.context = context
        // Neither can fail on a new context.
        _ = spng_set_chunk_limits(context, Self.ancillaryLimit, Self.ancillaryLimit)
        _ = spng_set_png_buffer(context, base, bytes.count)
    }

    deinit { spng_ctx_free(context) }

    /// Reads the first chunk, which allocates nothing for pixels. C function: `spng_get_ihdr`.
    func head() throws(ChunkCodecError) -> Head {
        var header = spng_ihdr()
        try check(spng_get_ihdr(context, &header))
        let components: Int? =
            switch UInt32(header.color_type) {
            case SPNG_COLOR_TYPE_GRAYSCALE.rawValue: 1
            case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA.rawValue: 2
            case SPNG_COLOR_TYPE_TRUECOLOR.rawValue: 3
            case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA.rawValue: 4
            default: nil
            }
        return Head(
            width: Int(header.width),
            height: Int(header.height),
            depth: Int(header.bit_depth),
            components: components
        )
    }

    /// Writes the samples, interleaved, row after row, each big-endian, and reads on to the end of the picture.
    ///
    /// `samples` has exactly the bytes that ``head()`` says. C functions: `spng_decode_image`,
    /// `spng_decode_chunks`.
    func read(into samples: UnsafeMutableRawBufferPointer) throws(ChunkCodecError) {
        let format = Int32(SPNG_FMT_RAW.rawValue)
        try check(spng_decode_image(context, samples.baseAddress, samples.count, format, 0))
        // Only the last chunk shows that nothing was cut off.
        try check(spng_decode_chunks(context))
    }

    private func check(_ code: Int32) throws(ChunkCodecError) {
        guard code != 0 else { return }
        guard code != Int32(SPNG_EMEM.rawValue) else { throw .outOfMemory }
        throw .corruptPicture(.png, reason: String(cString: spng_strerror(code)))
    }
}
