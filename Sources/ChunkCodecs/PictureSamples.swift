// SPDX-License-Identifier: Apache-2.0

/// Between the two ways that samples lie: planar in chunks, one channel after the other, and interleaved in pictures,
/// one pixel after the other. Addresses may be any.
struct PictureSamples {
    let pixels: Int
    let channels: Int

    /// Both buffers hold exactly the samples and do not overlap. `coded` makes a sample of one what it is in the
    /// other.
    func interleave<Sample: FixedWidthInteger & BitwiseCopyable>(
        _ planar: UnsafeRawBufferPointer,
        into interleaved: UnsafeMutableRawBufferPointer,
        as type: Sample.Type,
        coded: (Sample) -> Sample
    ) {
        let (input, output) = bases(planar, interleaved, MemoryLayout<Sample>.size)
        for channel in 0..<channels {
            for pixel in 0..<pixels {
                let from = (channel &* pixels &+ pixel) &* MemoryLayout<Sample>.size
                let to = (pixel &* channels &+ channel) &* MemoryLayout<Sample>.size
                let sample = input.loadUnaligned(fromByteOffset: from, as: Sample.self)
                output.storeBytes(of: coded(sample), toByteOffset: to, as: Sample.self)
            }
        }
    }

    /// The other way; with one channel `planar` and `interleaved` may be the same memory.
    func separate<Sample: FixedWidthInteger & BitwiseCopyable>(
        _ interleaved: UnsafeRawBufferPointer,
        into planar: UnsafeMutableRawBufferPointer,
        as type: Sample.Type,
        coded: (Sample) -> Sample
    ) {
        let (input, output) = bases(interleaved, planar, MemoryLayout<Sample>.size)
        for channel in 0..<channels {
            for pixel in 0..<pixels {
                let from = (pixel &* channels &+ channel) &* MemoryLayout<Sample>.size
                let to = (channel &* pixels &+ pixel) &* MemoryLayout<Sample>.size
                let sample = input.loadUnaligned(fromByteOffset: from, as: Sample.self)
                output.storeBytes(of: coded(sample), toByteOffset: to, as: Sample.self)
            }
        }
    }

    private func bases(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer,
        _ width: Int
    ) -> (UnsafeRawPointer, UnsafeMutableRawPointer) {
        guard let from = input.baseAddress, let to = output.baseAddress,
            input.count == pixels * channels * width, output.count == input.count
        else { preconditionFailure("exactly the samples") }
        return (from, to)
    }
}
