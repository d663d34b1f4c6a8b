// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

/// A new folder in the system's place for temporary files, for an empty set of folders.
final class TestDataFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/pyramidion-service-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    /// An empty set of folders is three folders; whatever else is in there stays, and shows that something was left.
    deinit {
        for name in ["volumes/.generations", "volumes/.tmp", "volumes", ""] { _ = rmdir("\(path)/\(name)") }
    }
}
