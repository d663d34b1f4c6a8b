// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import Workers

@testable import Origins

/// A new folder in the system's place for temporary files, removed with the object.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/pyramidion-origins-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit { FolderListing.remove(path) }

    /// Writes a file, and the folders it needs.
    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let target = "\(path)/\(name)"
        try #require(FolderListing.make(FolderListing.parent(of: target)))
        try DurableFile.create(target, bytes)
    }

    func link(_ name: String, to target: String) throws {
        try #require(symlink(target, "\(path)/\(name)") == 0)
    }

    func exists(_ name: String) -> Bool {
        var status = stat()
        return lstat("\(path)/\(name)", &status) == 0
    }

    /// All files below, by path, sorted.
    var files: [String] {
        var found: [String] = []
        FolderListing.files(below: path, skipping: "") { name, _ in found.append(name) }
        return found.sorted()
    }

    /// Sets when a file was last used, in seconds since 1970.
    func setLastUse(_ name: String, _ seconds: Int) throws {
        // Written before it was last read, or a mount with `relatime` notes the next read by itself.
        let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds - 1, tv_nsec: 0)]
        try #require(utimensat(AT_FDCWD, "\(path)/\(name)", times, 0) == 0)
    }

    func lastUse(_ name: String) throws -> Int64 {
        var status = stat()
        try #require(lstat("\(path)/\(name)", &status) == 0)
        return status.lastUse
    }
}

/// What `work` throws; nil if it throws nothing.
func failure<Value>(_ work: () async throws(OriginError) -> Value) async -> OriginError? {
    do throws(OriginError) {
        _ = try await work()
        return nil
    } catch {
        return error
    }
}

extension StoredObject {
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
