// SPDX-License-Identifier: Apache-2.0
import Configuration
import Origins
import Synchronization
import Workers

/// Makes the origins of configured volumes; those behind HTTP share one client, which is there once it is needed.
final class SourceOrigins: Sendable {
    private let files: WorkerPool
    private let settings: HTTPClientConfiguration
    private let client = Mutex<HTTPClient?>(nil)

    init(_ configuration: Configuration, files: WorkerPool, version: String) {
        self.files = files
        var settings = HTTPClientConfiguration(userAgent: "pyramidion/\(version)")
        settings.totalTimeout = configuration.timeouts.source
        settings.connections = configuration.limits.sourceTransfers
        settings.wholeObjectLimit = configuration.limits.sourceObjectBytes
        self.settings = settings
    }

    /// - Throws: `OriginError` for a URL that cannot be read from, or when there is no thread for the client.
    func origin(_ volume: VolumeSettings) throws -> any Origin {
        guard volume.source.contains("://") else { return FolderOrigin(path: volume.source, files: files) }
        let client = try client.withLock { client in
            let shared = try client ?? HTTPClient(settings)
            client = shared
            return shared
        }
        return try HTTPOrigin(url: volume.source, client: client)
    }

    func stop() async {
        if let client = client.withLock({ $0.take() }) { _ = await client.close() }
    }
}
