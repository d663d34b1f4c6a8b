// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import PyramidService

/// The program. Exit codes: 0, 64 for a wrong command line, 1 for everything else.
@main
struct Pyramidion: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pyramidion",
        abstract: "Turns volumes into image pyramids, over HTTP or from a file.",
        version: BuildInformation.currentVersion,
        subcommands: [Serve.self, Pyramid.self, Build.self, HealthCheck.self]
    )

    static func main() async {
        // A file over the limit of its size is an error of its write, not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        do {
            try checkCommand()
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            end(failure.message, failure.exitCode)
        } catch {
            // Help and the version are "errors" with exit code 0; real ones are told in one line.
            let code = exitCode(for: error)
            guard code != .success else { exit(withError: error) }
            guard code == .validationFailure else { end(message(for: error), 1) }
            let message = message(for: error)
            let sentence = message.hasSuffix(".") ? message.dropLast() : message[...]
            // A question is what the parser adds where it knows an option that is nearly the same.
            end("\(sentence)\(sentence.hasSuffix("?") ? " See" : "; see") `\(help)`", 64)
        }
    }

    private static let commands = configuration.subcommands.map { $0._commandName }

    /// What tells more about the command that was meant.
    private static var help: String {
        let command = CommandLine.arguments.dropFirst().first { commands.contains($0) }
        return command.map { "pyramidion \($0) --help" } ?? "pyramidion --help"
    }

    /// The parser's own complaint of an unknown command does not say which there are, and its `help` has none.
    private static func checkCommand() throws(Failure) {
        var words = CommandLine.arguments.dropFirst()
        if words.first == "help" {
            words = words.dropFirst().filter { !$0.hasPrefix("-") && $0 != "help" }[...]
        }
        guard let word = words.first, !word.hasPrefix("-"), !commands.contains(word) else { return }
        throw .commandLine("there is no command \(word); there are: \(commands.joined(separator: ", "))")
    }

    private static func end(_ message: String, _ code: Int32) -> Never {
        let line = message.split(separator: "\n").joined(separator: " ")
        StandardError.write("pyramidion: \(line)\n")
        Glibc.exit(code)
    }
}

/// Why a command ends, in words for whoever typed it.
struct Failure: Error {
    let message: String
    let exitCode: Int32

    static let terminal = commandLine("a terminal cannot show a pyramid; say -o FILE")

    static func commandLine(_ message: String) -> Failure { Failure(message: message, exitCode: 64) }
    static func runtime(_ message: String) -> Failure { Failure(message: message, exitCode: 1) }
}
