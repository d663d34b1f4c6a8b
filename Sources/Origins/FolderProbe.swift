// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Finds out whether a folder could be written, without leaving one behind.
package enum FolderProbe {
    /// Whether there is something at `path` that is no folder, so that none can be made there. C function: `stat`.
    package static func isNoFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && !status.isFolder
    }

    /// Why nothing could be written below `path`; `nil`: something could. Blocks for a few system calls.
    ///
    /// Permissions do not tell what a file system allows, so a folder is made and removed again where the first one is
    /// missing: one of another name, since another process may be about to make and use that very one.
    package static func fault(_ path: String) -> String? {
        var here = path
        while access(here, F_OK) != 0, errno == ENOENT, FolderListing.parent(of: here) != here {
            here = FolderListing.parent(of: here)
        }
        if here != path {
            let probe = "\(here)/.pyramidion-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
            guard mkdir(probe, 0o755) == 0 else { return systemReason("mkdir") }
            _ = rmdir(probe)
            return nil
        }
        var status = stat()
        guard stat(path, &status) == 0 else { return systemReason("stat") }
        guard status.isFolder else { return "it is no folder" }
        return access(path, W_OK | X_OK) == 0 ? nil : systemReason("access")
    }
}
