// SPDX-License-Identifier: Apache-2.0
package import Origins
import Synchronization
package import Volumes
import Voxels

/// An open volume: its levels, and where their bytes are. Never changes; a volume that changes is opened anew.
package final class ServedVolume: Sendable {
    /// Where a volume comes from.
    package enum Kind: String, Sendable {
        /// The configuration; only read.
        case source
        /// Somebody's `PUT`.
        case upload
    }

    private static let lastID = Atomic<UInt32>(0)

    /// Differs for each opening.
    package let id: UInt32
    package let name: String
    package let kind: Kind
    /// As announced: every level, none of them sharded.
    package let info: VolumeInfo
    package let levels: [ServedLevel]
    package let origin: any Origin
    /// Where made levels are kept; `nil`: nowhere.
    package let store: (any ChunkStore)?
    /// Tells this state of the source and of the configuration from any other.
    package let fingerprint: String
    let levelOfKey: [String: Int]
    let infoObject: EncodedChunk
    /// The folder of an upload, which stays for as long as the volume is open.
    private let held: PublishedFolder?

    package init(
        name: String,
        kind: Kind,
        info: VolumeInfo,
        levels: [ServedLevel],
        origin: any Origin,
        store: (any ChunkStore)?,
        fingerprint: String,
        holding held: PublishedFolder? = nil
    ) {
        id = Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
        self.name = name
        self.kind = kind
        self.info = info
        self.levels = levels
        self.origin = origin
        self.store = store
        self.fingerprint = fingerprint
        self.held = held
        levelOfKey = Dictionary(
            levels.map { ($0.scale.key, $0.index) },
            uniquingKeysWith: { first, _ in first }
        )
        infoObject = EncodedChunk(info.json(), .identity, fingerprint: fingerprint)
    }

    func key(_ level: Int, _ place: ChunkPlace, _ coding: StoredObject.Coding) -> ChunkKey {
        ChunkKey(
            volume: id,
            level: UInt16(truncatingIfNeeded: level),
            grid: UInt16(truncatingIfNeeded: place.grid),
            cell: place.cell,
            coding: coding
        )
    }
}

extension VolumeInfo {
    /// Bytes of one voxel with all its channels.
    var voxelBytes: Int { channels.multipliedClamped(by: type.byteWidth) }
}

/// Where the chunks of made levels are kept.
package protocol ChunkStore: Sendable {
    /// Whether a chunk that cannot be kept is a failure of what it was made for.
    var mustKeep: Bool { get }
    /// The object under `key`, or `nil`.
    func object(_ key: String, limit: Int) async throws -> StoredObject?
    /// The object under `key` if it takes no waiting, on a lane.
    func readyObject(_ key: String, limit: Int) -> KeptReady
    /// Returns when the objects are as durable as the store makes them: for each why it was not kept, or nil.
    func keep(_ objects: [KeptObject]) async -> [(any Error)?]
    func contains(_ key: String) async throws -> Bool
    /// How many objects there are below a folder.
    func count(below prefix: String) -> Int
}

extension ChunkStore {
    /// Nothing is at hand by itself.
    package func readyObject(_: String, limit _: Int) -> KeptReady { .notReady }

    /// Keeps one object.
    /// - Throws: Why it was not kept.
    func keep(_ key: String, _ bytes: [UInt8]) async throws {
        for case let failure? in await keep([KeptObject(key: key, bytes: bytes)]) { throw failure }
    }
}
