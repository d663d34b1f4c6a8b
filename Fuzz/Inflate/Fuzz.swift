// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import FuzzSupport

/// Input: one byte of options, then a compressed body.
///
/// Shows that no backend writes outside of the output it is given, nor reads past its input, nor stands still; that
/// what is accepted does not depend on how input and output are cut; and that all backends agree on what zlib takes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzInflate(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 0, let start else { return 0 }
    let coding = start[0] & 1 == 0 ? BodyCoding.gzip : .deflate
    let outputBytes = [1, 3, 64, 4_096][Int(start[0] >> 1 & 3)]
    let stream = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    let reference = Inflation(stream, coding, .zlib, .whole, outputBytes: 65_536)
    for backend in DeflateBackend.allCases {
        let whole = Inflation(stream, coding, backend, .whole, outputBytes: 65_536)
        let cut = Inflation(stream, coding, backend, .random, outputBytes: outputBytes)
        require(cut.isLike(whole), "\(backend), cut: \(cut) instead of \(whole)")
        if stream.count <= 256 {
            let bytes = Inflation(stream, coding, backend, .bytes, outputBytes: outputBytes)
            require(bytes.isLike(whole), "\(backend), in bytes: \(bytes) instead of \(whole)")
        }
        require(whole.isLikeOrLooser(than: reference), "\(backend): \(whole) instead of \(reference)")
    }
    return 0
}
