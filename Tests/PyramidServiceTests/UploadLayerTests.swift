// SPDX-License-Identifier: Apache-2.0
import Origins
import Testing
import Volumes
import Voxels
import Workers

@testable import PyramidService

private func cutting(
    _ size: Extent3,
    channels: Int,
    width: Int = 1,
    chunk: Extent3,
    _ order: MemoryOrder = .fortran
)
    -> LayerCutting
{
    let bounds = Box3(begin: Extent3(repeating: 0), end: size)
    return LayerCutting(
        grid: ChunkGrid(bounds: bounds, chunk: chunk),
        channels: channels,
        width: width,
        order: order
    )
}

/// What a layered source should give: of each layer each channel.
private func layered(_ bytes: [UInt8], _ cutting: LayerCutting) -> [UInt8] {
    let channel = bytes.count / cutting.channels
    var result: [UInt8] = []
    var start = 0
    for layer in 0..<cutting.layerCount {
        let count = cutting.byteCount(layer) / cutting.channels
        for index in 0..<cutting.channels {
            result += bytes[index * channel + start..<index * channel + start + count]
        }
        start += count
    }
    return result
}

/// A spool of an upload that nobody commits.
private func withSpool(_ work: (SpoolFile, WorkerPool) async throws -> Void) async throws {
    let folder = try TestDataFolder()
    let pool = WorkerPool(lanes: 2, queueLimit: 64)
    let set = try FolderSet(root: folder.path + "/volumes", files: pool)
    let draft = try await set.begin()
    try await work(try await draft.spool(), pool)
    await draft.discard()
}

@Test(
    "Channels that arrive one after another come out layer by layer, in whatever pieces they are read",
    arguments: [(2, 1, 7), (3, 2, 64), (4, 1, 1), (3, 1, 5_000_000)]
)
func layeredChannels(channels: Int, width: Int, step: Int) async throws {
    let cutting = cutting(Extent3(11, 7, 13), channels: channels, width: width, chunk: Extent3(4, 4, 4))
    #expect(cutting.layerCount == 4)
    let bytes = randomBytes(11 * 7 * 13 * channels * width)
    #expect(cutting.spooledByteCount == bytes.count / channels * (channels - 1))
    try await withSpool { spool, pool in
        let source = LayeredChannels(MemorySource(bytes), cutting, spool, writers: pool)
        let found = try await readAll(source, step: step)
        #expect(found == layered(bytes, cutting))
    }
}

@Test("An array that ends too early ends too early, and one that is too long shows what is too much")
func layeredLengths() async throws {
    let cutting = cutting(Extent3(5, 5, 9), channels: 3, chunk: Extent3(4, 4, 4))
    let bytes = randomBytes(225 * 3)
    for missing in [1, 100, 225, 226, 500, 675] {
        try await withSpool { spool, pool in
            let short = MemorySource(Array(bytes.dropLast(missing)))
            let source = LayeredChannels(short, cutting, spool, writers: pool)
            let found = try await readAll(source, step: 64)
            #expect(found.count < bytes.count)
        }
    }
    try await withSpool { spool, pool in
        let source = LayeredChannels(MemorySource(bytes + [77]), cutting, spool, writers: pool)
        let found = try await readAll(source, step: 64)
        #expect(found == layered(bytes, cutting) + [77])
    }
}

@Test("Only several channels in several layers in Fortran order wait")
func spooledBytes() {
    let size = Extent3(8, 8, 8)
    let chunk = Extent3(4, 4, 4)
    #expect(cutting(size, channels: 1, chunk: chunk).spooledByteCount == 0)
    #expect(cutting(size, channels: 3, chunk: chunk, .c).spooledByteCount == 0)
    #expect(cutting(size, channels: 3, chunk: size).spooledByteCount == 0)
    #expect(cutting(size, channels: 3, width: 2, chunk: chunk).spooledByteCount == 512 * 2 * 2)
}
