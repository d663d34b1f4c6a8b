// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// Takes the `.npy` header off the front of a source.
package enum NpyPrefix {
    /// Most headers fit; what is read beyond them are voxels, which the returned source gives first.
    private static let stepByteCount = 256

    /// - Throws: `NpyError`, and whatever the source throws.
    package static func read(from source: any ByteSource) async throws -> (NpyHeader, any ByteSource) {
        var parser = NpyHeaderParser()
        let step = UnsafeMutableRawBufferPointer.allocate(byteCount: stepByteCount, alignment: 1)
        defer { step.deallocate() }
        while true {
            let count = try await source.read(into: step)
            guard count > 0 else { throw parser.ended() }
            let bytes = Array(step[..<count])
            if case .done(let header, let consumed) = try parser.push(bytes.span) {
                return (header, PrefixedSource(bytes[consumed...], source))
            }
        }
    }
}
