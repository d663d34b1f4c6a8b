// SPDX-License-Identifier: Apache-2.0

/// The list of transfer codings of a request, over all its field lines.
///
/// Accepted is `chunked` alone, in any case, padded by spaces. A coding we do not know before a final
/// `chunked` is 501; everything else (a tab, quotes, parameters, empty members, `chunked` twice) is 400,
/// because some other parser may read it differently.
struct TransferCodings {
    private var chunkedCount = 0
    private var endsInChunked = false
    private var unknown: String?

    /// Adds the members of one field value, white space at its ends included.
    mutating func add(_ value: UnsafeRawBufferPointer) throws(ProtocolError) {
        var start = 0
        while start <= value.count {
            let end = value.firstIndex(of: UInt8(ascii: ","), from: start) ?? value.count
            var member = value.slice(start..<end)
            while member.first == 0x20 { member = member.dropping(1) }
            while member.last == 0x20 { member = member.slice(0..<member.count - 1) }
            guard !member.isEmpty, member.allSatisfy({ ByteSet.token.contains($0) }) else {
                throw .malformedTransferEncoding(
                    "The Transfer-Encoding \(ProtocolError.quoted(value)) is not a plain list of codings."
                )
            }
            endsInChunked = member.equalsIgnoringCase("chunked")
            if endsInChunked {
                chunkedCount += 1
            } else {
                unknown = unknown ?? ProtocolError.quoted(member)
            }
            start = end + 1
        }
    }

    /// Returns if the list is exactly `chunked`.
    func check() throws(ProtocolError) {
        guard endsInChunked else {
            throw .malformedTransferEncoding("The last transfer coding is not chunked.")
        }
        guard chunkedCount == 1 else {
            throw .malformedTransferEncoding("The transfer coding chunked is named \(chunkedCount) times.")
        }
        if let unknown { throw .unknownTransferCoding(unknown) }
    }
}
