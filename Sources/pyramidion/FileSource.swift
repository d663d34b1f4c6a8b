// SPDX-License-Identifier: Apache-2.0
import Glibc
import PyramidService

/// A file, or standard input, as a source.
final class FileSource: ByteSource {
    let name: String
    private let descriptor: Int32

    /// `-` is standard input.
    /// - Throws: ``Failure`` naming the file. C function: `open`.
    init(_ path: String) throws {
        name = path == "-" ? "standard input" : path
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.runtime("\(name): \(String(cString: strerror(errno)))") }
    }

    deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

    /// Blocks the thread: there is nothing else to do. C function: `read`.
    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = Glibc.read(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Failure.runtime("\(name): \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            filled += count
        }
        return filled
    }
}
