// SPDX-License-Identifier: Apache-2.0
import FuzzSupport
import HTTP1

/// Input: one byte of options, then what a client sends.
///
/// Shows that the parser decides the same however the stream is cut, that every refusal has a status and a printable
/// sentence, and that the connection machine keeps its rules whatever the service does.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequests(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 0, let start else { return 0 }
    let options = start[0]
    let stream = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    let limits = options & 1 == 0 ? HTTP1Limits() : smallLimits
    let whole = Transcript(stream, .whole, limits: limits, direct: false)
    for cutting in Cutting.allCases {
        let direct = cutting != .whole || options & 2 != 0
        let other = Transcript(stream, cutting, limits: limits, direct: direct)
        require(other == whole, "cut as \(cutting): \(other) instead of \(whole)")
    }
    var conversation = Conversation(stream, limits: limits)
    conversation.run()
    return 0
}

/// Limits that short inputs reach.
private let smallLimits: HTTP1Limits = {
    var limits = HTTP1Limits()
    limits.targetBytes = 24
    limits.headBytes = 96
    limits.fieldBytes = 48
    limits.fieldCount = 4
    limits.leadingEmptyLines = 2
    limits.bodyBytes = 64
    limits.chunkLineBytes = 16
    limits.chunkExtensionBytes = 24
    limits.trailerBytes = 32
    limits.trailerCount = 2
    return limits
}()
