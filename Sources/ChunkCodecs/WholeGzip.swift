// SPDX-License-Identifier: Apache-2.0

/// Whole small objects packed with gzip, in memory.
package enum WholeGzip {
    /// Returns the content, at most `limit` bytes, of one gzip member or of several one after another.
    ///
    /// - Throws: ``InflateError/longerThanExpected`` beyond `limit`, and what ``BodyInflater`` throws.
    package static func inflate(_ bytes: [UInt8], limit: Int) throws(InflateError) -> [UInt8] {
        precondition(limit >= 0, "no content is shorter than none")
        let inflater = try BodyInflater(.gzip)
        var content = [UInt8](repeating: 0, count: min(limit, expectedByteCount(bytes)))
        var consumed = 0
        var produced = 0
        while true {
            let step = bytes.withUnsafeBytes { input in
                content.withUnsafeMutableBytes { output in
                    Result { () throws(InflateError) in
                        try inflater.inflate(
                            UnsafeRawBufferPointer(rebasing: input[consumed...]),
                            into: UnsafeMutableRawBufferPointer(rebasing: output[produced...])
                        )
                    }
                }
            }
            let progress = try step.get()
            consumed += progress.consumed
            produced += progress.produced
            guard progress.state == .outputFull else { break }
            if content.count == limit {
                try expectEnd(inflater, bytes[consumed...])
                break
            }
            content += [UInt8](repeating: 0, count: min(limit - content.count, max(4_096, content.count)))
        }
        try inflater.finish()
        content.removeSubrange(produced...)
        return content
    }

    /// Returns one gzip member.
    package static func deflate(_ bytes: UnsafeRawBufferPointer) -> [UInt8] { GzipBlockEncoder().gzip(bytes) }

    private static func expectEnd(
        _ inflater: BodyInflater,
        _ rest: ArraySlice<UInt8>
    ) throws(InflateError) {
        let end = rest.withUnsafeBytes { input in
            Result { () throws(InflateError) in try inflater.expectEnd(input) }
        }
        try end.get()
    }

    /// What a member's last four bytes say, modulo 2^32, and one byte more to meet the end in. A wrong one costs
    /// no more memory than deflate could make of so many bytes, 1,032 for one.
    private static func expectedByteCount(_ bytes: [UInt8]) -> Int {
        let length = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        return min(length, bytes.count.multipliedReportingOverflow(by: 1_032).partialValue) + 1
    }
}
