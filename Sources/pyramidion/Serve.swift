// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Configuration
import Downsampling
import Glibc
import HTTPServer
import Logging
import PyramidService
import UV
import Workers

/// Starts the service, and ends it in good order.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Answers requests until it is told to stop.")

    @OptionGroup var settings: Settings

    func run() async throws {
        let configuration = try settings.configuration()
        let sink = LogSink()
        defer { sink.flush() }
        let logger = Logger(label: "pyramidion") { _ in LineLogHandler(configuration.log, sink: sink) }
        Serve.raiseDescriptorLimit()
        // The runtime opens a descriptor with its first sleep. If there were none left by then, waits for memory would
        // never end.
        try await Task.sleep(for: .milliseconds(20))
        let signals = try Signals()
        // Whoever sees the service listen may stop it at once.
        await signals.areWatched()
        do {
            try await serve(configuration, logger, signals, sink)
        } catch {
            await signals.close()
            sink.flush()
            throw error
        }
        await signals.close()
    }

    private func serve(
        _ configuration: Configuration,
        _ logger: Logger,
        _ signals: Signals,
        _ sink: LogSink
    ) async throws {
        let context: ServiceContext
        let server: HTTPServer
        do {
            let build = BuildInformation(cpuVariant: Kernels.best.name)
            context = try await ServiceContext(configuration, build: build, logger: logger)
            // Folders are open by then: who finds the service listening finds them.
            try await context.sidecar.catalog.openAll(within: .seconds(1))
            server = try await HTTPServer.start(
                configuration.listen.map(Endpoint.init),
                loopCount: configuration.loops,
                configuration: HTTPServerConfiguration(context),
                responder: PyramidService(context)
            )
        } catch let error as UVError where error.isOfAddress {
            let complaint = configuration.complaint(
                "listen",
                "\(error)",
                allowed: "addresses of this machine where nobody listens yet"
            )
            throw Failure.runtime("\(complaint)")
        } catch {
            throw Failure.runtime("\(error)")
        }
        context.attach(server.counters)
        logger.notice(
            "listening",
            metadata: [
                "addresses": "\(server.endpoints.map(\.description).joined(separator: ","))",
                "version": "\(context.build.version)", "cpu": "\(context.build.cpuVariant)",
                "lanes": "\(context.workers.lanes)", "memory": "\(ByteSize.text(context.admission.budget))",
            ]
        )
        let fault = await run(context, signals)
        context.readiness.become(.draining)
        logger.notice("draining", metadata: ["limit": "\(TimeSpan.text(configuration.timeouts.drain))"])
        let second = Task {
            await signals.untilEnd {}
            if !Task.isCancelled { endAtOnce(logger, sink) }
        }
        await server.stop(drain: configuration.timeouts.drain)
        second.cancel()
        await context.sidecar.stop()
        await context.workers.stop()
        if let fault { throw Failure.runtime("\(fault)") }
        logger.notice("stopped")
    }

    /// Waits for volumes whose sources take their time, is ready then, and returns when a signal ends the service, or with
    /// what is wrong about a volume's configuration. Whoever comes meanwhile is served, and waits for such a volume.
    private func run(_ context: ServiceContext, _ signals: Signals) async -> ConfigurationError? {
        await withTaskGroup(of: Event.self) { group in
            group.addTask {
                do throws(ConfigurationError) {
                    try await context.sidecar.catalog.openAll(within: .seconds(9))
                    return .opened
                } catch {
                    return .misconfigured(error)
                }
            }
            group.addTask {
                await signals.untilEnd { Serve.reload(context) }
                return .signalled
            }
            for await event in group {
                switch event {
                case .opened: context.readiness.become(.ready)
                case .misconfigured(let error):
                    group.cancelAll()
                    return error
                case .signalled:
                    group.cancelAll()
                    return nil
                }
            }
            return nil
        }
    }

    /// What a running service waits for.
    private enum Event: Sendable {
        /// All volumes are open, or have had their time.
        case opened
        case misconfigured(ConfigurationError)
        case signalled
    }

    /// Nothing is waited for but the log, and that hardly; the system closes what is open. C function: `_exit`.
    private func endAtOnce(_ logger: Logger, _ sink: LogSink) -> Never {
        logger.warning("a second signal: ending at once")
        sink.flush(within: .milliseconds(100))
        _exit(1)
    }

    private static func reload(_ context: ServiceContext) {
        guard let tokens = context.tokens else { return }
        do {
            try tokens.reload()
            context.logger.notice("tokens were read again")
        } catch {
            context.logger.error("the tokens stay as they were", metadata: ["reason": "\(error)"])
        }
    }

    /// Each connection needs a descriptor, and shells allow 1024 by habit. C function: `setrlimit`.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

extension Endpoint {
    init(_ address: ListenAddress) {
        switch address {
        case .tcp(let host, let port): self = .tcp(host: host, port: port)
        case .unix(let path): self = .unix(path: path)
        }
    }
}
