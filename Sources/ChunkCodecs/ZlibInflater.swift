// SPDX-License-Identifier: Apache-2.0
internal import CZlib

/// Raw deflate by zlib.
final class ZlibInflater: RawInflater {
    /// zlib keeps the stream's address, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    /// zlib refuses a null pointer even for no bytes.
    private let nothing: UnsafeMutablePointer<UInt8>

    init() throws(InflateError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        nothing = .allocate(capacity: 1)
        nothing.initialize(to: 0)
        let code = inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw .outOfMemory }
    }

    deinit {
        // Also right when `inflateInit2_` failed: it leaves no state behind, and then this does nothing.
        _ = inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
        nothing.deallocate()
    }

    func reset() { _ = inflateReset(stream) }

    func inflate(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(InflateError) -> RawInflateStep {
        let inputCount = min(input.count, largestCInput)
        let outputCount = min(output.count, largestCInput)
        // zlib does not write through `next_in`.
        let inputBase = input.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.next_in = inputBase.map { UnsafeMutablePointer(mutating: $0) } ?? nothing
        stream.pointee.avail_in = UInt32(inputCount)
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress ?? nothing
        stream.pointee.avail_out = UInt32(outputCount)
        let code = CZlib.inflate(stream, Z_NO_FLUSH)
        // Z_BUF_ERROR says that nothing could be done yet.
        guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
            throw code == Z_MEM_ERROR ? .outOfMemory : .corrupt
        }
        return RawInflateStep(
            consumed: inputCount - Int(stream.pointee.avail_in),
            produced: outputCount - Int(stream.pointee.avail_out),
            isFinished: code == Z_STREAM_END
        )
    }

    /// zlib stops at the last byte of the stream.
    func takeUnread() -> UnreadBytes { UnreadBytes() }
}
