// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import FuzzSupport
import Voxels

/// Input: a byte for the format, one for the extent, then a chunk, or voxels to make one from.
///
/// Shows that a chunk of any bytes is decoded or refused with a sentence; that no codec reads past its input or writes
/// outside of its voxels; that what was decoded is the same after it was encoded and decoded again; that labels taken
/// without their voxels are the same, or refused for the same reason; and that chunks keep within the bound that readers
/// of a source rely on.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzChunks(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 2, let start else { return 0 }
    let format = formats[Int(start[0] & 15)]
    let extent = extents[Int(start[1]) % extents.count]
    let bytes = Array(UnsafeBufferPointer(start: start + 2, count: count - 2))
    guard let byteCount = format.voxelByteCount(extent) else { fatalError("an extent without voxels") }
    switch start[0] >> 4 & 3 {
    case 0: read(bytes, format, extent, byteCount)
    case 1: read(PNGChecksums.mended(bytes), format, extent, byteCount)
    default:
        // Few labels make what label volumes are made of; all bytes are noise to it.
        let voxels = (0..<byteCount).map { bytes[$0 / (start[0] >> 6 == 0 ? 1 : 8) % bytes.count] }
        write(voxels, format, extent)
    }
    return 0
}

nonisolated(unsafe) private let inputs = GuardedBuffer(capacity: 1 << 20)
nonisolated(unsafe) private let outputs = GuardedBuffer(capacity: 1 << 20)

private let extents = [
    Extent3(1, 1, 1), Extent3(5, 3, 2), Extent3(8, 8, 8), Extent3(17, 9, 3), Extent3(64, 1, 1), Extent3(1, 70, 1),
    Extent3(16, 16, 16), Extent3(2, 3, 40),
]

private let formats: [ChunkFormat] = {
    do {
        let block = Extent3(4, 2, 2)
        return [
            try ChunkFormat(encoding: .raw, type: .uint8),
            try ChunkFormat(encoding: .raw, type: .float32, channels: 2),
            try ChunkFormat(encoding: .jpeg, type: .uint8),
            try ChunkFormat(encoding: .jpeg, type: .uint8, channels: 3),
            try ChunkFormat(encoding: .png, type: .uint8),
            try ChunkFormat(encoding: .png, type: .uint8, channels: 2),
            try ChunkFormat(encoding: .png, type: .uint8, channels: 3),
            try ChunkFormat(encoding: .png, type: .uint8, channels: 4),
            try ChunkFormat(encoding: .png, type: .uint16),
            try ChunkFormat(encoding: .png, type: .uint16, channels: 2),
            try ChunkFormat(encoding: .png, type: .uint16, channels: 3),
            try ChunkFormat(encoding: .png, type: .uint16, channels: 4),
            try ChunkFormat(encoding: .compressedSegmentation, type: .uint32),
            try ChunkFormat(encoding: .compressedSegmentation, type: .uint64),
            try ChunkFormat(encoding: .compressedSegmentation, type: .uint32, channels: 2, blockExtent: block),
            try ChunkFormat(
                encoding: .compressedSegmentation,
                type: .uint64,
                channels: 3,
                blockExtent: Extent3(3, 5, 1)
            ),
        ]
    } catch {
        fatalError("\(error)")
    }
}()

private func read(_ bytes: [UInt8], _ format: ChunkFormat, _ extent: Extent3, _ byteCount: Int) {
    do {
        let voxels = try decoded(bytes, format, extent, byteCount)
        take(bytes, format, extent, voxels: voxels, refusal: nil)
        write(voxels, format, extent)
    } catch {
        requireSentence(error.message, longest: 1_000)
        take(bytes, format, extent, voxels: [], refusal: error)
    }
}

/// Takes a chunk of labels block by block, which must come to what came of its voxels.
private func take(
    _ bytes: [UInt8],
    _ format: ChunkFormat,
    _ extent: Extent3,
    voxels: [UInt8],
    refusal: ChunkCodecError?
) {
    for keepsZero in [false, true] {
        guard ReducedLabels.hasWholeBlocks(extent),
            var reduced = ReducedLabels(
                from: format,
                to: format,
                factor: Extent3(repeating: 1),
                extent: extent,
                keepsZero: keepsZero
            )
        else { return }
        let input = inputs.last(bytes.count)
        input.copyBytes(from: bytes)
        do {
            let isTaken = try reduced.take(
                UnsafeRawBufferPointer(input),
                extent: extent,
                at: Extent3(repeating: 0)
            ) { ranks, made in made.copyMemory(from: ranks) }
            guard isTaken else { continue }
            require(refusal == nil, "labels are taken of what is refused")
            let output = outputs.last(voxels.count)
            reduced.write(to: output)
            outputs.checkFront(of: voxels.count)
            require(output.elementsEqual(voxels), "other labels were taken")
            let again = try reduced.encoded()
            let whole = voxels.withUnsafeBytes { voxels in
                Result { () throws(ChunkCodecError) in try format.encode(voxels, extent: extent) }
            }
            require(.success(again) == whole, "other bytes are written of pieces")
        } catch {
            require(error == refusal, "refused for another reason: \(error.message)")
        }
    }
}

private func write(_ voxels: [UInt8], _ format: ChunkFormat, _ extent: Extent3) {
    let result = voxels.withUnsafeBytes { voxels in
        Result { () throws(ChunkCodecError) in try format.encode(voxels, extent: extent) }
    }
    switch result {
    case .failure(let error): require(false, "voxels are refused: \(error.message)")
    case .success(let bytes):
        require(bytes.count <= format.encodedByteBound(extent), "\(bytes.count) bytes are beyond the bound")
        do {
            let again = try decoded(bytes, format, extent, voxels.count)
            require(format.encoding == .jpeg || again == voxels, "other voxels came back")
        } catch {
            require(false, "our own chunk is refused: \(error.message)")
        }
    }
}

private func decoded(
    _ bytes: [UInt8],
    _ format: ChunkFormat,
    _ extent: Extent3,
    _ byteCount: Int
) throws(ChunkCodecError) -> [UInt8] {
    let input = inputs.last(bytes.count)
    input.copyBytes(from: bytes)
    let output = outputs.last(byteCount)
    try format.decode(UnsafeRawBufferPointer(input), extent: extent, into: output)
    outputs.checkFront(of: byteCount)
    return Array(output)
}
