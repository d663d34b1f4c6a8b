// SPDX-License-Identifier: Apache-2.0
package import Configuration
package import HTTPServer
package import Logging
import Origins
import Synchronization
package import Workers

/// What all requests share.
package final class ServiceContext: Sendable {
    /// How many bytes of freed slab buffers are kept for the next request.
    private static let keptBufferBytes = 16 << 20

    package let configuration: Configuration
    package let workers: WorkerPool
    package let admission: Admission
    /// As much beside the budget of ``admission`` as cutouts and uploads have.
    package let answers: AnswerMemory
    package let metrics = Metrics()
    package let readiness = Readiness()
    package let buffers = BufferPool(keptBytes: keptBufferBytes)
    let plans: RecentPlans
    let spareMemory: SpareMemoryWatch
    package let tokens: AccessTokens?
    package let sidecar: Sidecar
    package let build: BuildInformation
    package let logger: Logger
    let cors: CORSPolicy
    private let attached = Mutex<ServerCounters?>(nil)

    /// - Throws: `ConfigurationError` when the tokens cannot be read or the data folder is none, `OriginError` when it
    ///   cannot be used.
    package init(_ configuration: Configuration, build: BuildInformation, logger: Logger) async throws {
        self.configuration = configuration
        self.build = build
        self.logger = logger
        let limits = configuration.limits
        let lanes = configuration.workers > 0 ? configuration.workers : Machine.coreCount
        // Each running pyramid has at most its ring in line, or as many blocks of its answer.
        workers = WorkerPool(lanes: lanes, queueLimit: limits.requestsRunning * (lanes + 2))
        plans = RecentPlans(lanes: lanes, voxelLimit: limits.voxels)
        spareMemory = SpareMemoryWatch(plans)
        admission = Admission(
            budget: limits.memory > 0 ? limits.memory : Machine.memoryByteCount / 2,
            maxRunning: limits.requestsRunning,
            maxWaiting: limits.requestsQueued,
            wait: configuration.timeouts.memoryWait
        )
        answers = AnswerMemory(budget: admission.budget / 4)
        tokens = try Self.tokens(configuration, logger)
        if let data = configuration.data, FolderProbe.isNoFolder(data) {
            throw configuration.complaint(
                "data",
                "\(data) is no folder",
                allowed: "a folder, or null: nothing is kept, and nothing can be uploaded"
            )
        }
        cors = CORSPolicy(origins: configuration.cors.origins)
        sidecar = try await Sidecar(
            configuration,
            workers: workers,
            admission: admission,
            version: build.version,
            logger: logger
        )
    }

    private static func tokens(
        _ configuration: Configuration,
        _ logger: Logger
    ) throws(ConfigurationError) -> AccessTokens? {
        guard let path = configuration.tokens else { return nil }
        do {
            return try AccessTokens(path: path, logger: logger)
        } catch {
            throw configuration.complaint(
                "tokens",
                "\(error)",
                allowed: "a file with one `TOKEN read` or `TOKEN write` a line, or null: no tokens"
            )
        }
    }

    /// Whether volumes may be written: by whoever has a token for it, or, where nobody is asked for one, by whoever is
    /// on this machine.
    var mayWrite: Bool { tokens != nil || configuration.listen.allSatisfy(\.isLocal) }

    /// Of answers about volumes: a cache asks each time whether they are still right, which costs a head.
    var cacheControl: String { tokens == nil ? "no-cache" : "private, no-cache" }

    /// What the server counts, once there is one.
    var serverCounters: ServerCounters? { attached.withLock { $0 } }

    package func attach(_ counters: ServerCounters) {
        attached.withLock { $0 = counters }
    }
}
