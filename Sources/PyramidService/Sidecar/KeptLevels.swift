// SPDX-License-Identifier: Apache-2.0
import Origins

/// The made levels of one configured volume, kept in a folder that is a precomputed volume of its own.
final class KeptLevels: ChunkStore {
    private let store: KeptStore

    var mustKeep: Bool { false }

    init(_ store: KeptStore) {
        self.store = store
    }

    /// Counts what is there from an earlier run, by the keys of the scales.
    func countKept(_ keys: [String]) async {
        for key in keys { await store.countKept(below: key) }
    }

    func object(_ key: String, limit: Int) async throws -> StoredObject? {
        try await store.object(key, limit: limit)
    }

    func readyObject(_ key: String, limit: Int) -> KeptReady { store.readyObject(key, limit: limit) }

    func keep(_ objects: [KeptObject]) async -> [(any Error)?] { await store.keep(objects) }

    func contains(_ key: String) async throws -> Bool { try await store.contains(key) }

    func count(below prefix: String) -> Int { store.count(below: prefix) }
}
