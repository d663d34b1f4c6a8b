// SPDX-License-Identifier: Apache-2.0

import HTTP1

/// What a fuzzer calls: any bytes end in a typed error or in requests, and in the same for every splitting.
///
/// The first byte chooses how the rest is cut. Returns whether the outcomes agree; a trap is a finding too.
func fuzzHTTP1(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let first = bytes.first else { return true }
    let input = Array(bytes.dropFirst())
    let whole = Transcript([input[...]])
    let step = Int(first % 64) + 1
    let pieces = stride(from: 0, to: input.count, by: step).map { input[$0..<min($0 + step, input.count)] }
    return Transcript(pieces) == whole && Transcript(pieces, direct: true) == whole
        && Transcript([input[...]], direct: true) == whole
}
