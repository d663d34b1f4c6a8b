// SPDX-License-Identifier: Apache-2.0
import Glibc
import PyramidService

/// Where a pyramid is written: a file that appears under its name when it is complete, a pipe, a device, or a descriptor.
final class FileSink: ByteSink {
    let name: String
    private let descriptor: Int32
    /// The name that a file gets when it is complete; `nil`: what is written is there at once.
    private let path: String?
    private var isCommitted = false

    /// `-` is standard output.
    /// - Throws: ``Failure`` naming the output. C functions: `open`, `fcntl`.
    init(_ output: String) async throws {
        name = output == "-" ? "standard output" : output
        switch try OutputPlace(output) {
        case .descriptor(let number):
            descriptor = fcntl(number, F_DUPFD_CLOEXEC, 0)
            path = nil
        case .stream(let path):
            descriptor = open(path, O_WRONLY | O_CLOEXEC)
            self.path = nil
        case .file(let path, let mode):
            descriptor = try await UnfinishedFile.create("\(path).\(getpid()).part", mode: mode)
            self.path = path
        }
        // Without a descriptor there is nothing that `deinit` could remove.
        guard descriptor >= 0 else { throw failure() }
        guard isatty(descriptor) == 0 else { throw Failure.terminal }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        if path != nil, !isCommitted { UnfinishedFile.remove() }
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
        guard fdatasync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else { throw failure() }
        guard UnfinishedFile.rename(to: path) else { throw failure() }
        isCommitted = true
    }

    private func failure() -> Failure { .runtime("\(name): \(String(cString: strerror(errno)))") }
}
