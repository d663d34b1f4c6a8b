// SPDX-License-Identifier: Apache-2.0
import Origins
import Synchronization

/// The made levels of one configured volume, kept in a folder that is a precomputed volume of its own.
final class KeptLevels: ChunkStore {
    private let store: KeptStore
    /// How many chunks each level has, by the key of its scale; as counted at the opening and since.
    private let counts = Mutex<[String: Int]>([:])

    var mustKeep: Bool { false }

    init(_ store: KeptStore) {
        self.store = store
    }

    /// Counts what is there from an earlier run.
    func countKept(_ keys: [String]) async {
        for key in keys {
            let count = await store.count(below: key)
            counts.withLock { $0[key, default: 0] += count }
        }
    }

    func object(_ key: String, limit: Int) async throws -> StoredObject? {
        try await store.object(key, limit: limit)
    }

    func keep(_ objects: [KeptObject]) async -> [(any Error)?] {
        let failures = await store.keep(objects)
        counts.withLock { counts in
            for (object, failure) in zip(objects, failures) where failure == nil {
                let folder = String(object.key[..<(object.key.lastIndex(of: "/") ?? object.key.startIndex)])
                counts[folder, default: 0] += 1
            }
        }
        return failures
    }

    func contains(_ key: String) async throws -> Bool { try await store.contains(key) }

    func count(below prefix: String) -> Int { counts.withLock { $0[prefix] ?? 0 } }
}
