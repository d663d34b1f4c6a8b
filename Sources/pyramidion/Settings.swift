// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Configuration
import Glibc
import PyramidService

/// The flags that win over the configuration file and the environment.
struct Settings: ParsableArguments {
    @Option(help: "The configuration; default: config/pyramidion.yaml where there is one.")
    var config: String?

    @Option(help: "HOST:PORT with a numeric host, or unix:PATH; may be given several times.")
    var listen: [String] = []

    @Option(help: "The folder for uploads and for levels that were made.")
    var data: String?

    @Option(parsing: .unconditional, help: "Lanes that compute; 0: one for each core.")
    var workers: String?

    @Option(parsing: .unconditional, help: "Event loops.")
    var loops: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    static let usualFile = "config/pyramidion.yaml"

    /// - Throws: ``Failure`` naming the file and line, the variable, or the flag that is wrong.
    func configuration() throws -> Configuration {
        let environment = Settings.environment()
        var file: (path: String, bytes: [UInt8])?
        do {
            if let path = config ?? environment["PYRAMIDION_CONFIG"] {
                file = (path, try SmallFile.bytes(path))
            } else if access(Settings.usualFile, F_OK) == 0 {
                file = (Settings.usualFile, try SmallFile.bytes(Settings.usualFile))
            }
        } catch {
            throw Failure.runtime("\(error)")
        }
        do {
            return try Configuration.merged(file: file, environment: environment, flags: flags)
        } catch {
            if case .flag = error.place { throw Failure.commandLine("\(error)") }
            throw Failure.runtime("\(error)")
        }
    }

    private var flags: [Configuration.FlagValue] {
        let given: [(String, String, [String])] = [
            ("--listen", "listen", listen),
            ("--data", "data", data.map { [$0] } ?? []),
            ("--workers", "workers", workers.map { [$0] } ?? []),
            ("--loops", "loops", loops.map { [$0] } ?? []),
            ("--log-level", "log.level", logLevel.map { [$0] } ?? []),
        ]
        return given.filter { !$0.2.isEmpty }.map {
            Configuration.FlagValue(flag: $0.0, path: $0.1, values: $0.2)
        }
    }

    /// C variable: `environ`.
    static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let halves = String(cString: text).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if halves.count == 2 { variables[String(halves[0])] = String(halves[1]) }
            entry += 1
        }
        return variables
    }
}
