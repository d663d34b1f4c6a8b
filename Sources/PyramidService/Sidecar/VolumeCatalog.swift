// SPDX-License-Identifier: Apache-2.0
package import Configuration
import Logging
import Origins
import Synchronization
import Workers

/// Which volumes there are, by name: configured ones and uploads.
///
/// A configured volume is opened at the start. If its source does not answer then, it is opened by the first request
/// that comes after a pause; until then requests get the reason at once.
package final class VolumeCatalog: Sendable {
    /// How a volume stands.
    enum Entry: Sendable {
        case open(ServedVolume)
        /// The source failed, or was not asked yet.
        case closed(VolumeSettings, failure: ServiceError?, at: ContinuousClock.Instant?)
        /// Nothing of it can be seen before it is complete.
        case uploading(UploadProgress)
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Names that somebody is about to write, or to remove.
        var claims: [String: UploadClaim] = [:]

        /// Those that are there, and those that are being written for the first time.
        var uploadCount: Int {
            let there = entries.values.count { entry in
                if case .open(let volume) = entry { volume.kind == .upload } else { false }
            }
            return there + claims.values.count { !$0.replaces }
        }

        /// The number of the volume that is open under a name; `nil`: none is.
        func openID(_ name: String) -> UInt32? {
            if case .open(let volume) = entries[name] { volume.id } else { nil }
        }
    }

    /// A source that failed is left alone for so long.
    private static let pause = Duration.seconds(5)

    private let state: Mutex<State>
    private let openings = Flights<String, ServedVolume>()
    private let folders: DataFolders?
    private let origins: SourceOrigins
    private let logger: Logger
    private let uploadLimit: Int

    init(
        _ settings: [VolumeSettings],
        uploadLimit: Int,
        origins: SourceOrigins,
        folders: DataFolders?,
        uploads: [ServedVolume],
        logger: Logger
    ) {
        var state = State()
        for upload in uploads { state.entries[upload.name] = .open(upload) }
        for volume in settings { state.entries[volume.name] = .closed(volume, failure: nil, at: nil) }
        self.state = Mutex(state)
        self.origins = origins
        self.folders = folders
        self.logger = logger
        self.uploadLimit = uploadLimit
    }

    /// The volume if it is open: no waiting.
    func open(_ name: String) -> ServedVolume? {
        if case .open(let volume) = state.withLock({ $0.entries[name] }) { volume } else { nil }
    }

    func entry(_ name: String) -> Entry? {
        state.withLock { $0.entries[name] ?? $0.claims[name].map { .uploading($0.progress) } }
    }

    /// All volumes in order of their names.
    var all: [(name: String, entry: Entry)] {
        state.withLock { state in
            let uploading = state.claims.mapValues { Entry.uploading($0.progress) }
            let all = state.entries.merging(uploading) { entry, _ in entry }
            return all.sorted { $0.key < $1.key }.map { (name: $0.key, entry: $0.value) }
        }
    }

    /// The volume, opened if it is not.
    /// - Throws: ``ServiceError/notFound(_:)`` when there is none of this name, 502 or 504 when its source fails.
    package func volume(_ name: String) async throws -> ServedVolume {
        switch entry(name) {
        case .open(let volume): return volume
        case .uploading:
            throw ServiceError.notFound(
                "The volume \(name) is being uploaded; it is there when that is done."
            )
        case nil:
            throw ServiceError.notFound("There is no volume \(shortened(name)); /v1/volumes lists all.")
        case .closed(_, let failure?, let at?) where at.duration(to: .now) < Self.pause: throw failure
        case .closed(let settings, _, _):
            return try await openings.join(name) { [self] in
                do {
                    return try await open(settings)
                } catch let error as ConfigurationError {
                    throw ServiceError.badGateway("The volume \(name) cannot be served: \(error.message).")
                }
            }
        }
    }

    /// Opens all configured volumes that nobody has tried yet side by side, and leaves those that take longer than `limit` to the
    /// background; called again it waits for these.
    ///
    /// - Throws: ``ConfigurationError`` when a source is there and the levels asked for cannot be made of it. A source
    ///   that is not there is no error.
    package func openAll(within limit: Duration) async throws(ConfigurationError) {
        let settings = state.withLock { state in
            state.entries.values.compactMap {
                if case .closed(let settings, nil, _) = $0 { settings } else { nil }
            }
        }
        // No children: whoever waits in a flight must not be cancelled, or an opening that is late ends with it.
        let (outcomes, outcome) = AsyncStream.makeStream(of: Opening.self)
        for settings in settings {
            Task { [self] in
                do {
                    _ = try await openings.join(settings.name) { [self] in try await open(settings) }
                    outcome.yield(.done)
                } catch let error as ConfigurationError {
                    outcome.yield(.misconfigured(error))
                } catch {
                    outcome.yield(.done)
                }
            }
        }
        let timer = Task {
            try? await Task.sleep(for: limit)
            outcome.yield(.late)
        }
        defer { timer.cancel() }
        var left = settings.count
        var coming = outcomes.makeAsyncIterator()
        while left > 0, let opening = await coming.next() {
            switch opening {
            case .done: left -= 1
            case .misconfigured(let error): throw error
            case .late: return
            }
        }
    }

    /// How the opening of a volume went at the start.
    private enum Opening: Sendable {
        /// It is open, or its source failed, which is no reason not to start.
        case done
        case misconfigured(ConfigurationError)
        /// The time for all of them is over.
        case late
    }

    private func open(_ settings: VolumeSettings) async throws -> ServedVolume {
        do {
            let origin = try origins.origin(settings)
            let volume = try await SourceOpening(settings: settings, origin: origin, folders: folders).open()
            state.withLock { $0.entries[settings.name] = .open(volume) }
            logger.notice(
                "volume",
                metadata: [
                    "name": "\(settings.name)", "source": "\(origin.name)",
                    "levels": "\(volume.levels.count)", "made": "\(volume.levels.filter(\.isMade).count)",
                ]
            )
            return volume
        } catch let error as ConfigurationError {
            throw error
        } catch {
            let failure = ServiceError(error)
            if failure != .clientLeft {
                state.withLock { $0.entries[settings.name] = .closed(settings, failure: failure, at: .now) }
                logger.warning(
                    "a source failed",
                    metadata: ["name": "\(settings.name)", "reason": "\(failure.reason)"]
                )
            }
            throw failure
        }
    }

    // MARK: Uploads

    /// Claims a name for an upload; nobody else gets it before ``unclaim(_:)``.
    ///
    /// `wanted` is `If-Match`: which version is to be replaced; `nil`: there must be none.
    /// - Throws: ``ServiceError/conflict(_:)`` when the name is taken, ``ServiceError/preconditionFailed(_:)`` when
    ///   there is no such version.
    func claim(_ name: String, wanted: EntityTags?) throws(ServiceError) -> UploadClaim {
        try claim(name) { upload throws(ServiceError) in
            switch (upload, wanted) {
            case (nil, nil): return false
            case (nil, _?):
                throw .preconditionFailed("There is no volume \(name) to be replaced; send no If-Match.")
            case (_?, nil):
                throw .conflict("There is a volume \(name) already; send If-Match: * to replace it.")
            case (let upload?, let wanted?):
                let tag = upload.infoObject.tag
                guard wanted.contains(tag, isWeak: false) else {
                    throw .preconditionFailed(
                        "If-Match names another version of \(name); this one is \(tag)."
                    )
                }
                return true
            }
        }
    }

    /// Claims a name to remove its upload.
    ///
    /// - Throws: ``ServiceError/notFound(_:)`` when there is none, ``ServiceError/conflict(_:)`` while one is written for
    ///   the first time, ``ServiceError/methodNotAllowed(_:allow:)`` for a configured volume, and as
    ///   ``claim(_:wanted:)``.
    func claim(_ name: String, removing wanted: EntityTags?) throws(ServiceError) -> UploadClaim {
        if isConfigured(name) {
            throw .methodNotAllowed(
                "The volume \(name) comes from the configuration, and sources are never written to.",
                allow: ["GET", "HEAD", "OPTIONS"]
            )
        }
        return try claim(name) { upload throws(ServiceError) in
            guard let upload else {
                if case .uploading = entry(name) { throw Self.taken(name) }
                throw .notFound("There is no volume \(shortened(name)); /v1/volumes lists all.")
            }
            guard wanted?.contains(upload.infoObject.tag, isWeak: false) ?? true else {
                throw .preconditionFailed(
                    "If-Match names another version; this one is \(upload.infoObject.tag)."
                )
            }
            return true
        }
    }

    func unclaim(_ claim: UploadClaim) { state.withLock { $0.claims[claim.name] = nil } }

    /// Shows a volume that is complete, in place of one of the same name: requests under way finish with the old one.
    func publish(_ volume: ServedVolume, _ claim: UploadClaim) {
        state.withLock { $0.entries[claim.name] = .open(volume) }
    }

    func remove(_ claim: UploadClaim) { state.withLock { $0.entries[claim.name] = nil } }

    private func isConfigured(_ name: String) -> Bool {
        switch state.withLock({ $0.entries[name] }) {
        case .open(let volume): volume.kind == .source
        case .closed: true
        case .uploading, nil: false
        }
    }

    private func claim(
        _ name: String,
        _ check: (ServedVolume?) throws(ServiceError) -> Bool
    ) throws(ServiceError) -> UploadClaim {
        if isConfigured(name) {
            throw .conflict("The volume \(name) comes from the configuration; choose another name.")
        }
        let found = open(name)
        let claim = UploadClaim(name: name, replaces: try check(found))
        let uploadLimit = uploadLimit
        let outcome: ClaimOutcome = state.withLock { state in
            // Nobody has come between the look above and here.
            guard state.claims[name] == nil, state.openID(name) == found?.id else { return .taken }
            guard claim.replaces || state.uploadCount < uploadLimit else { return .tooMany }
            state.claims[name] = claim
            return .claimed
        }
        switch outcome {
        case .claimed: return claim
        case .taken: throw Self.taken(name)
        case .tooMany:
            throw .noStorage(
                "There are \(uploadLimit) uploaded volumes, and no more are kept (limits.uploads); remove one first."
            )
        }
    }

    private static func taken(_ name: String) -> ServiceError {
        .conflict("The volume \(name) is being written by somebody else; wait for that to end.")
    }

    private enum ClaimOutcome { case claimed, taken, tooMany }
}
