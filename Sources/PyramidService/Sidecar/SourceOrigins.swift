// SPDX-License-Identifier: Apache-2.0
import Configuration
import Origins
import Workers

/// Makes the origins of configured volumes.
final class SourceOrigins: Sendable {
    private let files: WorkerPool

    init(_ configuration: Configuration, files: WorkerPool, version: String) {
        self.files = files
    }

    /// - Throws: `OriginError` for a URL that cannot be read from.
    func origin(_ settings: VolumeSettings) throws -> any Origin {
        FolderOrigin(path: settings.source, files: files)
    }

    func stop() async {}
}
