// SPDX-License-Identifier: Apache-2.0

/// Everything about the service that can be set, with its defaults.
///
/// `config/pyramidion.yaml` shows every key with its default and its reason.
package struct Configuration: Sendable, Equatable {
    package var listen: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 8080)]
    /// Lanes for kernels and codecs; 0: one for each core.
    package var workers = 0
    /// Event loops, each with its thread.
    package var loops = 1
    package var limits = Limits()
    package var timeouts = Timeouts()
    package var cors = CORS()
    /// Where uploads and levels that were made are kept; `nil`: nothing is kept, and nothing can be uploaded.
    package var data: String? = "./data"
    package var cache = Cache()
    /// Where links into Neuroglancer lead.
    package var viewer = "https://neuroglancer-demo.appspot.com"
    /// In order of their names.
    package var volumes: [VolumeSettings] = []
    /// A file of access tokens; `nil`: everybody may.
    package var tokens: String?
    package var log = Log()
    /// Where each setting stands that was given, by its key.
    package var places: [String: ConfigurationError.Place] = [:]

    package init() {}

    /// A complaint about the setting `path` that only its use gives rise to: a file that is not there, an address that
    /// is taken.
    package func complaint(_ path: String, _ reason: String, allowed: String) -> ConfigurationError {
        ConfigurationError(places[path] ?? .defaults, "`\(path)`: \(reason); allowed: \(allowed)")
    }

    /// What one request, one client, and all of them together may cost.
    package struct Limits: Sendable, Equatable {
        package var targetBytes = 16 << 10
        package var headBytes = 32 << 10
        package var headerCount = 128
        package var bodyBytes = 1 << 40
        package var inflatedBytes = 1 << 40
        package var inflationRatio = 1_100
        package var voxels = 1 << 40
        package var mips = 32
        package var connections = 16_384
        /// 0: no limit of its own.
        package var connectionsPerAddress = 0
        package var requestsPerConnection = 10_000
        /// Bytes of pipelined requests, or of a body, that are read ahead on one connection.
        package var readAhead = 64 << 10
        package var requestsRunning = 256
        package var requestsQueued = 1_024
        /// Bytes that all pyramids under way may hold; 0: half of what the machine or its cgroup has.
        package var memory = 0
        /// Voxels of a source that one chunk may be made of, through all levels in between.
        package var sourceVoxels = 1 << 32
        /// Bytes of one cutout.
        package var cutoutBytes = 1 << 30
        /// Bytes of one object of a source: a chunk, an `info`, an index of a shard.
        package var sourceObjectBytes = 256 << 20
        /// Transfers from all sources at once.
        package var sourceTransfers = 64
        /// Uploaded volumes, each of which holds a descriptor.
        package var uploads = 1_000
        /// Bytes a second, on average since the body began.
        package var bodyRate = 1 << 10
        /// Least average of what a client takes of an answer, in bytes a second.
        package var answerRate = 1 << 10

        package init() {}
    }

    package struct Timeouts: Sendable, Equatable {
        package var head = Duration.seconds(10)
        package var bodyGap = Duration.seconds(30)
        package var answer = Duration.seconds(600)
        package var writeStall = Duration.seconds(30)
        package var idle = Duration.seconds(75)
        package var drain = Duration.seconds(25)
        package var memoryWait = Duration.seconds(30)
        package var chunk = Duration.seconds(120)
        package var source = Duration.seconds(30)

        package init() {}
    }

    package struct Cache: Sendable, Equatable {
        /// Bytes of encoded chunks in memory; 0: none.
        package var memory = 256 << 20
        /// Bytes of levels that were made and are kept; 0: no limit.
        package var disk = 0

        package init() {}
    }

    package struct CORS: Sendable, Equatable {
        /// `*`, or origins as browsers send them: `https://example.org`.
        package var origins = ["*"]

        package init() {}
    }

    package struct Log: Sendable, Equatable {
        package enum Level: String, CaseIterable, Sendable {
            case trace, debug, info, notice, warning, error, critical
        }
        package enum Format: String, CaseIterable, Sendable {
            case text, json
        }

        package var level = Level.info
        package var format = Format.text

        package init() {}
    }
}
