// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Origins
import Workers

/// Gives an array of several channels layer by layer, each with all its channels, though it arrives channel by channel.
///
/// In Fortran order the channel is slowest: the first layer is whole only when the last channel begins. All channels but
/// the last wait in a file; the last one is read as it comes, between what the file has of the others. So the memory is
/// one piece, and the disk holds those channels once more until the end.
final class LayeredChannels: ByteSource {
    /// What is read before it is written to the file.
    static let pieceByteCount = 4 << 20

    private let source: any ByteSource
    private let cutting: LayerCutting
    private let spool: SpoolFile
    private let writers: WorkerPool
    private var isFilled = false
    /// What comes next: where in which channel of which layer.
    private var layer = 0
    private var channel = 0
    private var offset = 0
    /// Where the layer begins in each channel.
    private var layerStart = 0

    /// - Parameters:
    ///   - source: The array, x fastest, the channel slowest.
    ///   - cutting: What layers there are.
    ///   - spool: An empty file.
    ///   - writers: Where reading and writing the file may block.
    init(_ source: any ByteSource, _ cutting: LayerCutting, _ spool: SpoolFile, writers: WorkerPool) {
        self.source = source
        self.cutting = cutting
        self.spool = spool
        self.writers = writers
    }

    /// Reads bytes in the order of layers, then channels; behind the last one, what else the source has.
    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        if !isFilled {
            // Ended before the last channel: nobody gets bytes of other places for those that are missing.
            guard try await fill() else { return 0 }
            isFilled = true
        }
        var filled = 0
        while filled < buffer.count, layer < cutting.layerCount {
            let end = min(buffer.count, filled + channelByteCount(of: layer) - offset)
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<end])
            let count = try await readPiece(piece)
            filled += count
            guard count == piece.count else { return filled }
            advance(by: count)
        }
        guard filled < buffer.count else { return filled }
        return filled
            + (try await source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])))
    }

    private func channelByteCount(of layer: Int) -> Int { cutting.byteCount(layer) / cutting.channels }

    private func readPiece(_ piece: UnsafeMutableRawBufferPointer) async throws -> Int {
        if channel == cutting.channels - 1 { return try await source.read(into: piece) }
        let place = channel * (cutting.spooledByteCount / (cutting.channels - 1)) + layerStart + offset
        let memory = Lent(piece)
        try await writers.run { [spool] in try spool.read(into: memory.memory, at: place) }
        return piece.count
    }

    private func advance(by count: Int) {
        offset += count
        let whole = channelByteCount(of: layer)
        guard offset == whole else { return }
        offset = 0
        channel += 1
        guard channel == cutting.channels else { return }
        channel = 0
        layerStart += whole
        layer += 1
    }

    /// Writes all channels but the last to the file; returns whether they all came.
    private func fill() async throws -> Bool {
        let total = cutting.spooledByteCount
        let buffer = try VoxelBuffer(byteCount: min(Self.pieceByteCount, total))
        var written = 0
        while written < total {
            let memory = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(total - written))
            let count = try await source.read(into: memory)
            guard count == memory.count else { return false }
            let (piece, place) = (Lent(memory), written)
            try await writers.run { [spool] in
                try spool.write(UnsafeRawBufferPointer(piece.memory), at: place)
            }
            written += count
        }
        return true
    }
}
