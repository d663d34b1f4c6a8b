// SPDX-License-Identifier: Apache-2.0

/// Which library inflates and deflates. What is accepted and what is refused is the same for all.
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
