// SPDX-License-Identifier: Apache-2.0
package import Voxels

extension ChunkFormat {
    /// Returns what shows at the start of a packed chunk that it is none; nil: nothing does.
    ///
    /// For bytes that are passed on undecoded: an empty object, or a page of a login in its place. Pictures must have
    /// their first bytes (ISO 10918-1 B.1.1, PNG 5.2); compressed_segmentation must be whole words that begin with an
    /// offset a channel which lies in the chunk. Of gzip so many bytes are inflated as are looked at.
    package func outwardFault(_ bytes: UnsafeRawBufferPointer, isGzip: Bool, extent: Extent3) -> String? {
        let needed: Int
        switch encoding {
        case .raw, .compresso, .jxl: return nil
        case .jpeg: needed = Self.jpegStart.count
        case .png: needed = Self.pngStart.count
        case .compressedSegmentation: needed = 4 * channels
        }
        guard isGzip else { return fault(bytes, byteCount: bytes.count) }
        return withUnsafeTemporaryAllocation(byteCount: needed, alignment: 1) { start in
            do throws(InflateError) {
                let count = try BodyInflater(.gzip).inflate(bytes, into: start).produced
                // How much more there is only its inflation tells: what a chunk may have at most bounds it.
                let byteCount = count < needed ? count : encodedByteBound(extent) & ~3
                return fault(
                    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(start)[..<count]),
                    byteCount: byteCount
                )
            } catch {
                return error.message
            }
        }
    }

    private static let jpegStart: [UInt8] = [0xFF, 0xD8, 0xFF]
    private static let pngStart: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// `start`: The first bytes of a chunk of `byteCount` bytes, as many as are looked at, or all.
    private func fault(_ start: UnsafeRawBufferPointer, byteCount: Int) -> String? {
        switch encoding {
        case .raw, .compresso, .jxl: nil
        case .jpeg: start.starts(with: Self.jpegStart) ? nil : "it does not begin as a jpeg does"
        case .png: start.starts(with: Self.pngStart) ? nil : "it does not begin as a png does"
        case .compressedSegmentation: channelFault(LittleEndianWords(start), byteCount)?.message
        }
    }

    private func channelFault(_ start: LittleEndianWords, _ byteCount: Int) -> ChunkCodecError? {
        let words = byteCount / 4
        guard start.count >= channels else {
            return .segmentation(.channelTable(words: start.count, channels: channels))
        }
        guard byteCount % 4 == 0 else { return .segmentation(.byteCount(byteCount)) }
        for channel in 0..<channels {
            let offset = Int(start[channel])
            guard offset >= channels, offset < words else {
                return .segmentation(.channelOffset(offset, channel: channel, words: words))
            }
        }
        return nil
    }
}
