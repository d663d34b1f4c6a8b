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

/// A file that appears under its name when it is complete, or standard output.
final class FileSink: ByteSink {
    let name: String
    private let path: String?
    private let temporaryPath: String
    private let descriptor: Int32
    private var isCommitted = false

    /// `-` is standard output.
    /// - Throws: ``Failure`` naming the file. C function: `open`.
    init(_ path: String) throws {
        if path == "-" {
            (self.path, name, temporaryPath, descriptor) = (nil, "standard output", "", STDOUT_FILENO)
            return
        }
        let temporaryPath = "\(path).\(getpid()).part"
        let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        // Before all is set: `deinit` would remove a file that is not ours.
        guard descriptor >= 0 else { throw Failure.runtime("\(path): \(String(cString: strerror(errno)))") }
        (self.path, name, self.temporaryPath, self.descriptor) = (path, path, temporaryPath, descriptor)
    }

    deinit {
        guard path != nil else { return }
        close(descriptor)
        if !isCommitted { unlink(temporaryPath) }
    }

    /// C function: `write`.
    func write(_ pieces: [UnsafeRawBufferPointer]) async throws {
        for piece in pieces {
            var rest = piece[...]
            while !rest.isEmpty {
                let count = Glibc.write(
                    descriptor,
                    UnsafeRawBufferPointer(rebasing: rest).baseAddress,
                    rest.count
                )
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw failure() }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Gives the complete file its name, once its bytes are on the disk. C functions: `fdatasync`, `rename`.
    func commit() throws {
        guard let path else { return }
        // Pipes and devices have nothing to be synced.
        guard fdatasync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else { throw failure() }
        guard rename(temporaryPath, path) == 0 else { throw failure() }
        isCommitted = true
    }

    private func failure() -> Failure { .runtime("\(name): \(String(cString: strerror(errno)))") }
}
