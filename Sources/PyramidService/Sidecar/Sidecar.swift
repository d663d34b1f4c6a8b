// SPDX-License-Identifier: Apache-2.0
package import Configuration
package import Logging
import Origins
import UV
import Workers

/// All that serves volumes: which there are, and what supplies their chunks.
package final class Sidecar: Sendable {
    package let catalog: VolumeCatalog
    package let supply: ChunkSupply
    /// Reads and writes files, which may block.
    let files: WorkerPool
    let origins: SourceOrigins
    /// `nil`: nothing is kept, and nothing can be uploaded.
    let folders: DataFolders?

    /// Threads that may wait for a disk at a time.
    private static let fileLanes = 16

    /// - Throws: ``SidecarError`` when the data folder cannot be used, ``ConfigurationError`` when an upload has the
    ///   name of a configured volume.
    package init(
        _ configuration: Configuration,
        workers: WorkerPool,
        admission: Admission,
        version: String,
        logger: Logger
    ) async throws {
        files = WorkerPool(lanes: Self.fileLanes, queueLimit: 1 << 16)
        origins = SourceOrigins(configuration, files: files, version: version)
        folders = try await DataFolders.open(configuration, files: files, logger: logger)
        supply = ChunkSupply(
            configuration: configuration,
            workers: workers,
            admission: admission,
            logger: logger
        )
        catalog = VolumeCatalog(
            configuration.volumes,
            origins: origins,
            folders: folders,
            uploads: try await folders?.uploadedVolumes(besides: configuration.volumes, logger) ?? [],
            logger: logger
        )
    }

    /// Returns when what was made is kept, and no transfer and no file is under way.
    package func stop() async {
        await supply.keeping.drained()
        await origins.stop()
        await files.stop()
    }
}
