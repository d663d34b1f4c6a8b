// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Configuration
import Downsampling
import Logging
import PyramidService
import Synchronization
import Workers

/// Makes every mip of a configured volume now, so that no viewer waits for one.
struct Build: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes every mip of a configured volume and keeps it, as requests would one after another.",
        discussion: """
            Parts, with --shard, make the finer mips, at the same time and with the same data folder. The coarsest few need all
            parts; a build without --shard makes what is left:

              pyramidion build em --shard 0/2
              pyramidion build em --shard 1/2
              pyramidion build em                 when both are done
            """
    )

    @Argument(help: "The name of a volume of the configuration.")
    var name: String

    @Option(
        parsing: .unconditional,
        help:
            "I/N: the part I, from 0, of N that may be made anywhere, with the same data folder; not the coarsest mips."
    )
    var shard: String?

    @OptionGroup var settings: Settings

    func run() async throws {
        guard let shard = shard.map(BuildShard.init) ?? BuildShard.all else {
            throw Failure.commandLine("--shard \(shard ?? "") is no part; write I/N, as 0/4")
        }
        let configuration = try settings.configuration()
        guard configuration.volumes.contains(where: { $0.name == name }) else {
            let names = configuration.volumes.map(\.name).joined(separator: ", ")
            throw Failure.commandLine(
                "there is no volume \(name) in the configuration; "
                    + (names.isEmpty ? "none are configured" : "there are: \(names)")
            )
        }
        guard configuration.data != nil else {
            throw Failure.runtime("`data` is null, so that nothing could be kept; name a folder")
        }
        var only = configuration
        only.volumes = configuration.volumes.filter { $0.name == name }
        let sink = LogSink()
        defer { sink.flush() }
        let log = only.log
        let logger = Logger(label: "pyramidion") { _ in LineLogHandler(log, sink: sink) }
        let build = BuildInformation(cpuVariant: Kernels.best.name)
        do {
            let context = try await ServiceContext(only, build: build, logger: logger)
            try await make(context, shard)
            await context.sidecar.stop()
            await context.workers.stop()
        } catch let failure as Failure {
            throw failure
        } catch let error as ServiceError {
            throw Failure.runtime(error.detail)
        } catch {
            throw Failure.runtime("\(error)")
        }
    }

    private func make(_ context: ServiceContext, _ shard: BuildShard) async throws {
        let volume = try await context.sidecar.catalog.volume(name)
        let build = LevelBuild(context.sidecar.supply, volume, shard)
        guard build.canKeep else {
            throw Failure.runtime(
                "nothing could be kept, for the reason above; name a data folder that can be written"
            )
        }
        let failed = context.sidecar.supply.counters.counts.unkept
        try await build.run { level, cells in
            StandardError.write("\(name): level \(level), \(cells) chunks\n")
        }
        let counts = context.sidecar.supply.counters.counts
        guard counts.unkept == failed else {
            throw Failure.runtime(
                "\(counts.unkept) chunks could not be kept; is there room in the data folder?"
            )
        }
        StandardError.write("\(name): \(counts.made) chunks made, the others were there\n")
        if build.leavesCoarserLevels {
            StandardError.write(
                "\(name): when all parts are done, build without --shard makes the coarsest levels\n"
            )
        }
    }
}
