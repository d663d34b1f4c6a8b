// SPDX-License-Identifier: Apache-2.0
package import Configuration
package import Logging
import Origins
import UV
package import Workers

/// All that serves volumes: which there are, and what supplies their chunks.
package final class Sidecar: Sendable {
    package let catalog: VolumeCatalog
    package let supply: ChunkSupply
    /// Reads and writes files, which may block.
    let files: WorkerPool
    let writers: WorkerPool
    let origins: SourceOrigins
    /// `nil`: nothing is kept, and nothing can be uploaded.
    let folders: DataFolders?

    /// The memory that cutouts, pictures and uploads hold. Apart from that of pyramids and of chunks that are made:
    /// those who hold this one wait for that one, and never the other way round.
    let boxes: Admission

    /// Threads that may wait for a disk at a time: as many again for writing, which must not delay reading.
    private static let fileLanes = 16

    /// Opens nothing yet: ``VolumeCatalog/openAll(within:)`` does.
    /// - Throws: `OriginError` when the data folder cannot be used.
    package init(
        _ configuration: Configuration,
        workers: WorkerPool,
        admission: Admission,
        version: String,
        logger: Logger
    ) async throws {
        files = WorkerPool(lanes: Self.fileLanes, queueLimit: 1 << 16)
        writers = WorkerPool(lanes: Self.fileLanes, queueLimit: 1 << 16)
        origins = SourceOrigins(configuration, files: files, version: version)
        boxes = Admission(
            budget: admission.budget / 4,
            name: "a quarter of limits.memory",
            maxRunning: configuration.limits.requestsRunning,
            maxWaiting: configuration.limits.requestsQueued,
            wait: configuration.timeouts.memoryWait
        )
        supply = ChunkSupply(
            configuration: configuration,
            workers: workers,
            admission: admission,
            logger: logger
        )
        folders = configuration.data.map { [files, writers] root in
            DataFolders(
                root: root,
                diskLimit: configuration.cache.disk,
                files: files,
                writers: writers,
                logger: logger
            )
        }
        if let root = configuration.data, let fault = await folders?.fault() {
            logger.warning(
                "nothing can be kept in the data folder: name one that can be made and written, or null (data, --data)",
                metadata: ["folder": "\(root)", "reason": "\(fault)"]
            )
        }
        catalog = VolumeCatalog(
            configuration.volumes,
            uploadLimit: configuration.limits.uploads,
            origins: origins,
            folders: folders,
            uploads: folders?.hasUploads == true
                ? try await folders?.uploadedVolumes(besides: configuration.volumes) ?? [] : [],
            logger: logger
        )
    }

    /// Returns when what was made is kept, and no transfer and no file is under way.
    package func stop() async {
        await supply.keeping.drained()
        await origins.stop()
        await files.stop()
        await writers.stop()
    }
}
