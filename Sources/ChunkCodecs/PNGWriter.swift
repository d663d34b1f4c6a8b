// SPDX-License-Identifier: Apache-2.0
internal import CSPNG
internal import Voxels

/// libspng's writer of one picture.
struct PNGWriter: ~Copyable {
    /// PNG's own limit (PNG §11.2.2).
    static let longestSide = Int(Int32.max)

    private let context: OpaquePointer

    /// - Throws: ``ChunkCodecError/outOfMemory``.
    init() throws(ChunkCodecError) {
        guard let context = spng_ctx_new(Int32(SPNG_CTX_ENCODER.rawValue)) else { throw .outOfMemory }
        self.context = context
    }

    deinit { spng_ctx_free(context) }

    /// Returns a PNG of rows of interleaved samples, each big-endian.
    ///
    /// `components` is from 1 to 4, `depth` 8 or 16 bits, `level` from 0 to 9. C function: `spng_encode_image`.
    func write(
        _ samples: UnsafeRawBufferPointer,
        width: UInt32,
        height: UInt32,
        components: Int,
        depth: UInt8,
        level: Int
    ) throws(ChunkCodecError) -> [UInt8] {
        let colours =
            switch components {
            case 1: SPNG_COLOR_TYPE_GRAYSCALE
            case 2: SPNG_COLOR_TYPE_GRAYSCALE_ALPHA
            case 3: SPNG_COLOR_TYPE_TRUECOLOR
            default: SPNG_COLOR_TYPE_TRUECOLOR_ALPHA
            }
        var header = spng_ihdr()
        header.width = width
        header.height = height
        header.bit_depth = depth
        header.color_type = UInt8(truncatingIfNeeded: colours.rawValue)
        try check(spng_set_ihdr(context, &header))
        try check(spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1))
        try check(spng_set_option(context, SPNG_IMG_COMPRESSION_LEVEL, Int32(level)))
        try check(
            spng_encode_image(
                context,
                samples.baseAddress,
                samples.count,
                Int32(SPNG_FMT_RAW.rawValue),
                Int32(SPNG_ENCODE_FINALIZE.rawValue)
            )
        )
        var code: Int32 = 0
        var count = 0
        guard let bytes = spng_get_png_buffer(context, &count, &code) else {
            try check(code)
            throw .outOfMemory
        }
        defer { pyr_spng_free(bytes) }
        return Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    private func check(_ code: Int32) throws(ChunkCodecError) {
        guard code != 0 else { return }
        guard code != Int32(SPNG_EMEM.rawValue) else { throw .outOfMemory }
        throw .pictureNotWritten(.png, reason: String(cString: spng_strerror(code)))
    }
}
