// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// One state of a published folder, which does not change and stays for as long as this is held.
///
/// Hold it beside the ``FolderOrigin`` that reads `path`.
package final class PublishedFolder: Sendable {
    /// The name it was found under.
    package let name: String
    /// Where its files are.
    package let path: String
    /// Tells this state from every other that the name ever had, or will have.
    package let generation: String

    private let set: FolderSet
    /// Others who see it locked leave it alone. Nil only at the end.
    private let lock: Mutex<FileDescriptor?>

    init(name: String, path: String, generation: String, set: FolderSet, lock: consuming FileDescriptor) {
        self.name = name
        self.path = path
        self.generation = generation
        self.set = set
        self.lock = Mutex(lock)
    }

    deinit {
        // By itself it would be released after this, and the set would find it still held.
        lock.withLock { $0 = nil }
        set.letGo(of: generation)
    }
}
