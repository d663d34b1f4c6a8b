// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs

/// Contents that exercise stored, fixed and dynamic blocks, long matches and far look back.
func contents(seed: UInt64 = 1) -> [[UInt8]] {
    var random = SeededRandom(seed: seed)
    let noise = (0..<70_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    let slopes = (0..<100_000).map {
        UInt8(truncatingIfNeeded: $0 / 97) &+ UInt8.random(in: 0...3, using: &random)
    }
    let labels = (0..<20_000).flatMap { index -> [UInt8] in [UInt8(index / 700), 0, 0, 0, 0, 0, 0, 0] }
    return [
        [], [42], Array("a chunk in, its pyramid out".utf8), noise, slopes, labels,
        Array(repeating: 0, count: 300_000), Array(noise.prefix(30_000)) + noise.prefix(30_000),
    ]
}

/// Inflates a whole body in pieces, as a service would, and checks the rules of progress on the way.
func inflated(
    _ body: [UInt8],
    _ coding: BodyCoding = .gzip,
    _ backend: DeflateBackend,
    inputPiece: Int = .max,
    outputPiece: Int = 1 << 16,
    limit: Int = 1 << 24
) throws(InflateError) -> [UInt8] {
    let inflater = try BodyInflater(coding, backend: backend)
    var result: [UInt8] = []
    // Two bytes behind the output must never change.
    var output = [UInt8](repeating: 0xA5, count: outputPiece + 2)
    var position = 0
    var isFull = false
    while position < body.count || isFull {
        let end = position + min(inputPiece, body.count - position)
        let progress = try run(inflater, body[position..<end], &output)
        precondition(
            output[outputPiece] == 0xA5 && output[outputPiece + 1] == 0xA5,
            "written past the output"
        )
        precondition(progress.consumed > 0 || progress.produced > 0 || isFull, "no progress")
        result += output[..<progress.produced]
        position += progress.consumed
        isFull = progress.state == .outputFull
        precondition(isFull ? progress.produced == outputPiece : position == end, "stopped without a reason")
        guard result.count <= limit else { throw .longerThanExpected }
    }
    try inflater.finish()
    return result
}

/// One call, into all but the last two bytes of `output`.
func run(
    _ inflater: BodyInflater,
    _ input: ArraySlice<UInt8>,
    _ output: inout [UInt8]
) throws(InflateError) -> InflateProgress {
    let result = output.withUnsafeMutableBytes { output in
        input.withUnsafeBytes { input in
            Result { () throws(InflateError) in
                let room = UnsafeMutableRawBufferPointer(rebasing: output.dropLast(2))
                return try inflater.inflate(input, into: room)
            }
        }
    }
    return try result.get()
}

/// The error of a body that is refused.
func refusal(_ body: [UInt8], _ coding: BodyCoding = .gzip, _ backend: DeflateBackend) -> InflateError? {
    do throws(InflateError) {
        _ = try inflated(body, coding, backend)
        return nil
    } catch {
        return error
    }
}

func gzip(_ content: [UInt8]) -> [UInt8] { GzipBlockEncoder().gzip(content) }

/// A zlib stream (RFC 1950) around one block.
func zlibStream(_ content: [UInt8]) -> [UInt8] {
    let block = content.withUnsafeBytes { GzipBlockEncoder().compress($0, isLast: true) }
    var a: UInt32 = 1
    var b: UInt32 = 0
    for byte in content {
        a = (a + UInt32(byte)) % 65_521
        b = (b + a) % 65_521
    }
    return [0x78, 0x01] + block.bytes + withUnsafeBytes(of: (b << 16 | a).bigEndian, Array.init)
}

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
}

/// A gzip member of stored blocks with the optional fields of the header that `flags` names.
func member(_ content: [UInt8], flags: UInt8, extra: [UInt8] = [], name: [UInt8] = [], comment: [UInt8] = [])
    -> [UInt8]
{
    var head: [UInt8] = [0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 0, 3]
    if flags & 4 != 0 { head += littleEndian(UInt16(extra.count)) + extra }
    if flags & 8 != 0 { head += name + [0] }
    if flags & 16 != 0 { head += comment + [0] }
    if flags & 2 != 0 { head += littleEndian(UInt16(truncatingIfNeeded: CRC32.update(0, head))) }
    let data = content.withUnsafeBytes { storedDeflate($0, isLast: true) }
    return head + data + littleEndian(CRC32.update(0, content)) + littleEndian(UInt32(content.count))
}
