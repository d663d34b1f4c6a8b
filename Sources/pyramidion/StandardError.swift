// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where people are told things.
enum StandardError {
    /// Writes what can be written; there is nobody to tell otherwise. C function: `write`.
    static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
