// SPDX-License-Identifier: Apache-2.0
import FuzzSupport
import Voxels

/// Input: the beginning of a `.npy` file.
///
/// Shows that the parser decides the same however the stream is cut, and that an accepted header, written again by us,
/// means the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNpy(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let stream = UnsafeRawBufferPointer(start: start, count: count)
    let whole = verdict(stream, .whole)
    for cutting in [Cutting.bytes, .random] {
        let other = verdict(stream, cutting)
        require(other == whole, "cut as \(cutting): \(other) instead of \(whole)")
    }
    switch whole {
    case .failure(let error): requireSentence(error.message, longest: 1_000)
    case .success(let header):
        require(header.headerByteCount <= count, "a header longer than its bytes")
        require((1...Shape.maxAxes).contains(header.shape.axisCount), "\(header.shape.axisCount) axes")
        require(header.voxelByteCount >= 0, "\(header.voxelByteCount) bytes")
        let order = header.shape.axisCount == 1 ? MemoryOrder.c : header.order
        let again = NpyHeader.encoded(type: header.type, shape: header.shape, order: order)
        guard case .success(let second) = again.withUnsafeBytes({ verdict($0, .whole) }) else {
            require(false, "our own header is refused: \(String(decoding: again, as: UTF8.self))")
            return 0
        }
        require(
            second.type == header.type && second.shape == header.shape && second.order == order
                && !second.isBigEndian && second.headerByteCount == again.count && again.count % 64 == 0,
            "\(second) instead of \(header)"
        )
    }
    return 0
}

private func verdict(_ stream: UnsafeRawBufferPointer, _ cutting: Cutting) -> Result<NpyHeader, NpyError> {
    var parser = NpyHeaderParser()
    for range in cutting.pieces(of: stream) {
        let piece = Array(stream[range])
        do throws(NpyError) {
            switch try parser.push(piece.span) {
            case .needsMore: continue
            case .done(let header, let consumed):
                require(header.headerByteCount == range.lowerBound + consumed, "header and voxels overlap")
                return .success(header)
            }
        } catch {
            return .failure(error)
        }
    }
    return .failure(parser.ended())
}
