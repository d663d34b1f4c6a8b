// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Files that are read whole: configuration, tokens, what the system says of itself.
package enum SmallFile {
    package static let maxBytes = 1 << 20

    /// Why a file was not read, as the system or the limit says it.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let path: String
        package let reason: String
        package var description: String { "\(path): \(reason)" }
    }

    /// Returns the bytes of the file at `path`.
    /// - Throws: ``Failure`` when it cannot be read or is longer than ``maxBytes``. C functions: `open`, `read`.
    package static func bytes(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Failure(path: path, reason: String(cString: strerror(errno))) }
            guard count > 0 else { return bytes }
            guard bytes.count + count <= maxBytes else {
                throw Failure(path: path, reason: "longer than \(maxBytes) bytes")
            }
            bytes += piece[..<count]
        }
    }

    /// The file as text, or `nil`.
    static func text(_ path: String) -> String? {
        (try? bytes(path)).map { String(decoding: $0, as: UTF8.self) }
    }
}
