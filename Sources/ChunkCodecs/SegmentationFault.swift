// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a chunk of compressed_segmentation. Offsets and lengths are in words of 4 bytes.
package enum SegmentationFault: Equatable, Sendable {
    /// Not a whole number of words.
    case byteCount(Int)
    /// No room for an offset a channel.
    case channelTable(words: Int, channels: Int)
    /// Behind the end, or among the channels' offsets.
    case channelOffset(Int, channel: Int, words: Int)
    case blockHeaders(words: Int, needed: Int)
    case labelBits(Int, block: Int)
    case packedLabels(offset: Int, count: Int, block: Int, words: Int)
    case table(offset: Int, block: Int, words: Int)
    /// A voxel's index leads behind the end of the channel.
    case tableIndex(Int, block: Int, values: Int)
    /// The chunk to be written needs an offset of 2^24 words or more.
    case tooLarge(channel: Int)

    /// What follows the words "the compressed_segmentation chunk".
    var message: String {
        switch self {
        case .byteCount(let bytes):
            "has \(bytes) bytes: it must be whole words of 4 bytes"
        case .channelTable(let words, let channels):
            "has \(words) words: it must begin with \(channels) offsets, one a channel"
        case .channelOffset(let offset, let channel, let words):
            "has channel \(channel) at word \(offset): it must begin behind the offsets of all channels, within the "
                + "chunk's \(words) words"
        case .blockHeaders(let words, let needed):
            "has a channel of \(words) words: its block headers alone need \(needed)"
        case .labelBits(let bits, let block):
            "has \(bits) bits a voxel in block \(block): it must be 0, 1, 2, 4, 8, 16 or 32"
        case .packedLabels(let offset, let count, let block, let words):
            "has the \(count) words of block \(block) at word \(offset) of a channel of \(words)"
        case .table(let offset, let block, let words):
            "has the table of block \(block) at word \(offset) of a channel of \(words)"
        case .tableIndex(let index, let block, let values):
            "has value \(index) in block \(block), whose table ends with the chunk after \(values)"
        case .tooLarge(let channel):
            "would be too large in channel \(channel): offsets must stay below 2^24 words, "
                + "use smaller chunks"
        }
    }
}
