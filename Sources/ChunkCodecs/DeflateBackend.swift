// SPDX-License-Identifier: Apache-2.0

/// Which library inflates and deflates.
///
/// Headers, checksums, lengths and ends are checked here, alike for all. Of broken deflate data they may say
/// different things first (corrupt, truncated, a wrong checksum).
package enum DeflateBackend: String, CaseIterable, Sendable, Hashable {
    #if ISAL
        /// Intel's ISA-L, several times faster.
        case isal
    #endif
    case zlib

    /// The fastest one that was compiled in.
    package static var preferred: DeflateBackend {
        #if ISAL
            .isal
        #else
            .zlib
        #endif
    }
}
