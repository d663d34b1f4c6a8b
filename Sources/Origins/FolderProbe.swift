// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Finds out whether a folder could be written, without leaving one behind.
package enum FolderProbe {
    /// Why nothing could be written below `path`; `nil`: something could. Blocks for a few system calls.
    ///
    /// Permissions do not tell what a file system allows, so the first folder that is missing is made and removed again.
    package static func fault(_ path: String) -> String? {
        var missing: String?
        var here = path
        while access(here, F_OK) != 0, errno == ENOENT, FolderListing.parent(of: here) != here {
            missing = here
            here = FolderListing.parent(of: here)
        }
        if let missing {
            guard mkdir(missing, 0o755) == 0 || errno == EEXIST else { return systemReason("mkdir") }
            // Fails when somebody has begun to use it, who keeps it.
            _ = rmdir(missing)
            return nil
        }
        var status = stat()
        guard stat(path, &status) == 0 else { return systemReason("stat") }
        guard status.isFolder else { return "it is no folder" }
        return access(path, W_OK | X_OK) == 0 ? nil : systemReason("access")
    }
}
