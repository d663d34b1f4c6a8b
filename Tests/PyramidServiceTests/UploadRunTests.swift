// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import HTTPTypes
import Logging
import Origins
import Testing
import Volumes
import Voxels
import Workers

@testable import PyramidService

/// Takes no chunk before whoever gives it is cancelled.
private final class StuckStore: ChunkStore {
    private let entered: AsyncStream<Void>.Continuation
    /// Ends with the first chunk.
    let firstChunk: AsyncStream<Void>

    var mustKeep: Bool { true }

    init() { (firstChunk, entered) = AsyncStream.makeStream(of: Void.self) }

    func object(_ key: String, limit: Int) async throws -> StoredObject? { nil }

    func keep(_ objects: [KeptObject]) async -> [(any Error)?] {
        entered.finish()
        let (cancelled, cancel) = AsyncStream.makeStream(of: Void.self)
        await withTaskCancellationHandler {
            for await _ in cancelled {}
        } onCancel: {
            cancel.finish()
        }
        return objects.map { _ in CancellationError() }
    }

    func contains(_ key: String) async throws -> Bool { false }

    func count(below prefix: String) -> Int { 0 }
}

@Test(
    "An upload whose client leaves while its last layer is written ends that work",
    .timeLimit(.minutes(1)),
    arguments: [1, 3]
)
func clientLeavesAnUpload(layerCount: Int) async throws {
    let store = StuckStore()
    let query = try UploadQuery("kind=image&chunk_size=8,8,8&factor=2,2,2")
    let spec = PyramidSpec(
        type: .uint8,
        shape: try Shape([8, 8, 8 * layerCount]),
        order: .fortran,
        method: .average,
        factor: try Factor([2, 2, 2]),
        mips: .all
    )
    let plan = try UploadPlan(query, spec, mipLimit: 32)
    let pool = WorkerPool(lanes: 2, queueLimit: 64)
    let volume = ServedVolume(
        name: "v",
        kind: .upload,
        info: plan.info,
        levels: try plan.draftLevels(),
        origin: FolderOrigin(path: "/nowhere", files: pool),
        store: store,
        fingerprint: "1"
    )
    let run = UploadRun(
        supply: ChunkSupply(
            configuration: Configuration(),
            workers: pool,
            admission: Admission(budget: 1 << 24, maxRunning: 4, maxWaiting: 4, wait: .seconds(1)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ),
        volume: volume,
        cutting: plan.cutting(.fortran),
        isBigEndian: false,
        progress: UploadProgress()
    )
    let upload = Task { try await run.run(MemorySource([UInt8](repeating: 1, count: 512 * layerCount))) }
    for await _ in store.firstChunk {}
    upload.cancel()
    await #expect(throws: CancellationError.self) { try await upload.value }
}

@Test("The uploads are opened once, however many ask for them first") func uploadsOnce() async throws {
    let folder = try TestDataFolder()
    let pool = WorkerPool(lanes: 4, queueLimit: 64)
    let folders = DataFolders(
        root: folder.path,
        diskLimit: 0,
        files: pool,
        writers: pool,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    let sets = try await withThrowingTaskGroup(of: FolderSet.self) { group in
        for _ in 0..<8 { group.addTask { try await folders.uploads() } }
        return try await group.reduce(into: [FolderSet]()) { $0.append($1) }
    }
    #expect(Set(sets.map(ObjectIdentifier.init)).count == 1)
}

@Test("What an encoding cannot write is said to whoever chose the chunks, and is no fault of ours")
func unwritable() {
    for error in [
        ChunkCodecError.segmentation(.tooLarge(channel: 0)),
        .pictureTooLarge(.jpeg, Extent3(1 << 20, 1 << 20, 1)),
    ] {
        let failure = ServiceError(error)
        #expect(failure.status.code == 413)
        #expect(failure.detail.contains("smaller chunks") && failure.detail.contains("`chunk_size`"))
    }
    #expect(ServiceError(ChunkCodecError.outOfMemory).status.code == 503)
    #expect(ServiceError(ChunkCodecError.palettePicture).status.code == 500)
}
