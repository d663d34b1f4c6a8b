// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What the name of an output leads to.
///
/// Only files are replaced. What is there already and is none, a pipe or a device, is what somebody wants written.
enum OutputPlace: Equatable {
    /// A descriptor that the process was given. Under its own name it could not be opened if it is a socket, and a file
    /// would be written from its beginning.
    case descriptor(Int32)
    case stream(String)
    /// A file, or nothing yet, behind all links; `mode` is that of the file.
    case file(String, mode: mode_t?)

    /// As many links as Linux follows.
    private static let linkLimit = 40

    /// - Throws: ``Failure`` for a folder, and for links that lead nowhere. C functions: `lstat`, `readlink`.
    init(_ output: String) throws(Failure) {
        var here = output
        for _ in 0..<Self.linkLimit {
            if let number = Self.descriptor(here) {
                self = .descriptor(number)
                return
            }
            var status = stat()
            guard lstat(here, &status) == 0 else {
                guard errno == ENOENT else {
                    throw .runtime("\(output): \(String(cString: strerror(errno)))")
                }
                // Links below /proc lead to things that have no such name.
                self = stat(output, &status) == 0 ? .stream(output) : .file(here, mode: nil)
                return
            }
            switch status.st_mode & S_IFMT {
            case S_IFLNK: here = try Self.target(here)
            case S_IFREG:
                // A file that took its owner's rights would take those of whoever replaces it.
                self = .file(here, mode: status.st_mode & 0o777)
                return
            case S_IFDIR: throw .runtime("\(output): it is a folder; name a file")
            default:
                self = .stream(here)
                return
            }
        }
        throw .runtime("\(output): \(String(cString: strerror(ELOOP)))")
    }

    /// The number in `/dev/fd/63`, as the shell names the pipe of `>(command)`.
    private static func descriptor(_ path: String) -> Int32? {
        switch path {
        case "-", "/dev/stdout": return STDOUT_FILENO
        case "/dev/stderr": return STDERR_FILENO
        default:
            guard let folder = ["/dev/fd/", "/proc/self/fd/"].first(where: path.hasPrefix) else { return nil }
            let number = path.dropFirst(folder.count)
            return number.utf8.allSatisfy({ 48...57 ~= $0 }) ? Int32(number) : nil
        }
    }

    private static func target(_ link: String) throws(Failure) -> String {
        let text = [CChar](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            count = max(0, readlink(link, start, buffer.count))
        }
        guard !text.isEmpty else { throw .runtime("\(link): \(String(cString: strerror(errno)))") }
        let target = String(decoding: text.map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard !target.hasPrefix("/"), let slash = link.lastIndex(of: "/") else { return target }
        return link[...slash] + target
    }
}
