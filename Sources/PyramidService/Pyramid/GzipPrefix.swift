// SPDX-License-Identifier: Apache-2.0

/// Tells by the first two bytes whether a source is gzip.
package enum GzipPrefix {
    private static let magic: [UInt8] = [0x1f, 0x8b]

    /// Returns the answer, and a source that gives all bytes, the first two as well.
    package static func look(at source: any ByteSource) async throws -> (isGzip: Bool, source: any ByteSource)
    {
        let step = UnsafeMutableRawBufferPointer.allocate(byteCount: magic.count, alignment: 1)
        defer { step.deallocate() }
        let bytes = Array(step[..<(try await source.read(into: step))])
        return (bytes == magic, PrefixedSource(bytes[...], source))
    }
}
