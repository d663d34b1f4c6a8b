// SPDX-License-Identifier: Apache-2.0

/// How much of a request the parser reads before it refuses.
///
/// Every default follows what trusted servers allow. A limit below 1 is read as 1, so that no configuration
/// can make the parser trap.
package struct HTTP1Limits: Sendable, Equatable {
    /// Bytes of a request target as it is sent; more is a 414. With it the request line is bounded too.
    package var targetBytes = 16 * 1024
    /// Bytes of a header section, line ends included; more is a 431.
    package var headBytes = 32 * 1024
    /// Bytes of one field line without its CRLF; more is a 431.
    package var fieldBytes = 16 * 1024
    /// Field lines of a header section; more is a 431.
    package var fieldCount = 128
    /// Empty lines skipped before a request line; more is a 400.
    package var leadingEmptyLines = 4
    /// Bytes of a request body after chunked decoding, before any content decoding; more is a 413.
    package var bodyBytes = 1 << 40
    /// Bytes of one chunk-size line with its extension; more is a 413.
    package var chunkLineBytes = 4 * 1024
    /// Bytes of all chunk extensions of one body together; more is a 413.
    package var chunkExtensionBytes = 16 * 1024
    /// Bytes of a trailer section, line ends included; more is a 431.
    package var trailerBytes = 8 * 1024
    /// Field lines of a trailer section; more is a 431.
    package var trailerCount = 64

    package init() {}
}
