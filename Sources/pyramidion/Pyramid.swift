// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ChunkCodecs
import Configuration
import Downsampling
import Glibc
import PyramidService
import UV
import Voxels
import Workers

/// Makes a pyramid of a file: the engine of `POST /v1/pyramid` without a server.
struct Pyramid: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes the pyramid of an array in a file.",
        discussion:
            "The input is a .npy, gzipped or not, or raw voxels with --shape and --dtype. It is never held whole."
    )

    @Argument(help: "A file, or - for standard input.")
    var input: String

    @Option(name: [.short, .long], help: "A file, or - for standard output.")
    var output = "-"

    @Option(help: "average, mode, min, max, median or stride.")
    var method: String?

    @Option(help: "compat or exact.")
    var precision: String?

    @Option(parsing: .unconditional, help: "fx,fy[,fz[,fc[,ft]]]")
    var factor: String?

    @Option(parsing: .unconditional, help: "1 to 32, or all.")
    var mips: String?

    @Flag(help: "Zero is background.")
    var sparse = false

    @Option(parsing: .unconditional, help: "The mips to write, as 3 or 2-5; default: all.")
    var levels: String?

    @Option(help: "npz, npy or raw; default: by the output's name, else npz.")
    var format: String?

    @Option(parsing: .unconditional, help: "x,y[,z[,c[,t]]] of a raw input.")
    var shape: String?

    @Option(help: "uint8, float32 and so on, of a raw input.")
    var dtype: String?

    @Option(help: "F or C, of a raw input and of a raw output.")
    var order: String?

    @Option(parsing: .unconditional, help: "Lanes that compute; 0: one for each core.")
    var workers = "0"

    func run() async throws {
        let query = try query()
        let format = try answerFormat(query)
        guard output != "-" || isatty(STDOUT_FILENO) == 0 else {
            throw Failure.terminal
        }
        guard let workers = WholeNumber.parse(workers[...]), workers <= 1_024 else {
            throw Failure.commandLine("--workers: `\(workers)` is not allowed; allowed: 0 to 1024")
        }
        let lanes = workers > 0 ? workers : Machine.coreCount
        let run = PyramidRun(
            query: query,
            format: format,
            pool: WorkerPool(lanes: lanes, queueLimit: 4 * lanes + 16)
        )
        do {
            try await run.make(from: input, to: output)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Pyramid.failure(ServiceError(error), input)
        }
    }

    private func query() throws -> PyramidQuery {
        let given: [(String, String?)] = [
            ("method", method), ("precision", precision), ("factor", factor), ("mips", mips),
            ("levels", levels),
            ("format", format), ("shape", shape), ("dtype", dtype), ("order", order),
            ("sparse", sparse ? "true" : nil),
        ]
        do {
            return try PyramidQuery(parameters: given.compactMap { name, value in value.map { (name, $0) } })
        } catch {
            throw Pyramid.failure(error, input)
        }
    }

    private func answerFormat(_ query: PyramidQuery) throws -> AnswerFormat {
        let ending = output.split(separator: ".").last.map(String.init) ?? ""
        let format = query.format ?? (output.contains(".") ? AnswerFormat(rawValue: ending) : nil) ?? .npz
        guard format != .multipart else { throw Failure.commandLine("--format: a file is npz, npy or raw") }
        return format
    }

    /// A wrong parameter is a wrong command line; all else is the input's fault or the machine's.
    private static func failure(_ error: ServiceError, _ input: String) -> Failure {
        switch error {
        case .parameter(let name, let what): .commandLine("--\(name): \(what)")
        case .internalFault(let what): .runtime(what)
        default: .runtime("\(input == "-" ? "standard input" : input): \(error.detail)")
        }
    }
}
