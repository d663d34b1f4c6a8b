// SPDX-License-Identifier: Apache-2.0
internal import CZlib

#if ISAL
    internal import CISAL
#endif

/// A piece of a gzip member: whole bytes of deflate data that look back at nothing before them.
package struct CompressedBlock: Sendable, Hashable {
    package let bytes: [UInt8]
    /// CRC-32 of the input.
    package let crc: UInt32
    package let inputCount: Int
}

/// Compresses blocks that ``GzipMember`` joins into one gzip member, as pigz does; level 1.
///
/// Blocks know nothing of each other, so any lane may make any of them at any time.
package struct GzipBlockEncoder: Sendable {
    /// Bytes of input a block: small enough to share work among lanes; forgetting what came before costs less
    /// than 1 % of the size even where labels compress 48-fold, and nothing on grey values.
    package static let blockByteCount = 1 << 19
    /// Largest input of one block.
    package static let maxInputByteCount = 1 << 30

    package let backend: DeflateBackend

    package init(backend: DeflateBackend = .preferred) { self.backend = backend }

    /// The most bytes that a block of so many input bytes can become.
    package static func outputBound(_ inputCount: Int) -> Int {
        // Both libraries fall back to stored blocks, at worst 5 bytes for each 16,383 literals.
        inputCount + inputCount >> 10 + 64
    }

    /// Compresses one block of at most ``maxInputByteCount`` bytes; linear, never fails.
    ///
    /// `isLast` ends the deflate data: the last block of a member has it, and no other.
    /// An empty block is no error.
    package func compress(_ input: UnsafeRawBufferPointer, isLast: Bool) -> CompressedBlock {
        precondition(input.count <= GzipBlockEncoder.maxInputByteCount, "split the input into blocks")
        let bound = GzipBlockEncoder.outputBound(input.count)
        let bytes = withUnsafeTemporaryAllocation(byteCount: bound, alignment: 64) { output -> [UInt8] in
            let written = deflate(input, into: output, isLast: isLast)
            // No memory for the library's state: stored blocks need none.
            guard written > 0 else { return storedDeflate(input, isLast: isLast) }
            return Array(UnsafeRawBufferPointer(rebasing: output[..<written]))
        }
        return CompressedBlock(bytes: bytes, crc: CRC32.update(0, input), inputCount: input.count)
    }

    /// Returns a whole gzip member for a small answer; large ones are worth several lanes.
    package func gzip(_ input: UnsafeRawBufferPointer) -> [UInt8] {
        var member = GzipMember()
        var bytes = GzipMember.header
        var rest = input[...]
        repeat {
            let piece = rest.prefix(GzipBlockEncoder.blockByteCount)
            rest = rest.dropFirst(piece.count)
            let block = compress(UnsafeRawBufferPointer(rebasing: piece), isLast: rest.isEmpty)
            member.append(block)
            bytes += block.bytes
        } while !rest.isEmpty
        return bytes + member.trailer
    }

    package func gzip(_ input: [UInt8]) -> [UInt8] { input.withUnsafeBytes { gzip($0) } }

    /// Returns the bytes written, or 0 if the library could not do it.
    private func deflate(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer,
        isLast: Bool
    ) -> Int {
        guard let outputBase = output.bindMemory(to: UInt8.self).baseAddress else { return 0 }
        // Never read from when the input is empty, but neither library takes a null pointer.
        let inputBase = input.bindMemory(to: UInt8.self).baseAddress ?? UnsafePointer(outputBase)
        switch backend {
        #if ISAL
            case .isal:
                let written = pyr_isal_deflate(
                    inputBase,
                    UInt32(input.count),
                    outputBase,
                    UInt32(output.count),
                    isLast ? 1 : 0
                )
                return Int(written)
        #endif
        case .zlib:
            var stream = z_stream()
            let size = Int32(MemoryLayout<z_stream>.size)
            return withUnsafeMutablePointer(to: &stream) { stream in
                guard
                    deflateInit2_(stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
                        == Z_OK
                else { return 0 }
                defer { _ = deflateEnd(stream) }
                stream.pointee.next_in = UnsafeMutablePointer(mutating: inputBase)
                stream.pointee.avail_in = UInt32(input.count)
                stream.pointee.next_out = outputBase
                stream.pointee.avail_out = UInt32(output.count)
                let code = CZlib.deflate(stream, isLast ? Z_FINISH : Z_SYNC_FLUSH)
                // Room left in the output says that the flush is complete.
                guard code == (isLast ? Z_STREAM_END : Z_OK), stream.pointee.avail_in == 0,
                    isLast || stream.pointee.avail_out > 0
                else { return 0 }
                return output.count - Int(stream.pointee.avail_out)
            }
        }
    }
}

/// Deflate without compression: stored blocks of up to 65,535 bytes (RFC 1951 §3.2.4), each byte-aligned.
package func storedDeflate(_ input: UnsafeRawBufferPointer, isLast: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = input[...]
    repeat {
        let piece = rest.prefix(65_535)
        rest = rest.dropFirst(piece.count)
        let count = UInt16(piece.count)
        bytes.append(isLast && rest.isEmpty ? 1 : 0)
        bytes.appendLittleEndian(count)
        bytes.appendLittleEndian(~count)
        bytes.append(contentsOf: piece)
    } while !rest.isEmpty
    return bytes
}

extension [UInt8] {
    /// Appends the bytes of a number, least significant first.
    mutating func appendLittleEndian(_ value: some FixedWidthInteger & UnsignedInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
