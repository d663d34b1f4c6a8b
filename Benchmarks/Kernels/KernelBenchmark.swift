// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The parts of `make bench` that Python is too slow for. Driven by `Benchmarks/bench.py`:
///
///     KernelBenchmark kernels                reads orders from standard input, see `KernelOrders`
///     KernelBenchmark sink PORT|PATH         an HTTP server that reads uploads and returns as many bytes as asked
///     KernelBenchmark load PORT|PATH CONNECTIONS SECONDS REQUEST-FILE
///                                            sends one request over and over; prints answers a second
///     KernelBenchmark gets PORT|PATH CONNECTIONS SECONDS|once TARGETS-FILE [FIELD-LINE ...]
///                                            asks for the targets, one a line, in turn; see `Gets.Outcome.line`
///     KernelBenchmark floor THREADS LIST-FILE  reads and reduces files, see `Floor`; prints chunks a second
@main
struct KernelBenchmark {
    static func main() {
        do {
            try run()
        } catch {
            let line = "\(error)\n"
            _ = write(STDERR_FILENO, line, line.utf8.count)
            exit(1)
        }
    }

    private static func run() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        signal(SIGPIPE, SIG_IGN)
        switch arguments.first {
        case "kernels" where arguments.count == 1:
            var orders = KernelOrders()
            try orders.serve()
            return
        case "sink" where arguments.count == 2:
            try Sink(at: Place(arguments[1])).serve()
            return
        case "load" where arguments.count == 5:
            guard let connections = Int(arguments[2]), let seconds = Double(arguments[3]) else { break }
            let request = try File.contents(arguments[4])
            let load = Load(place: Place(arguments[1]), request: request, connections: connections)
            say(try load.answersPerSecond(seconds))
            return
        case "gets" where arguments.count >= 5:
            let seconds = Double(arguments[3])
            guard let connections = Int(arguments[2]), seconds != nil || arguments[3] == "once" else { break }
            let targets = String(decoding: try File.contents(arguments[4]), as: UTF8.self).split(
                separator: "\n"
            )
            let gets = Gets(
                place: Place(arguments[1]),
                targets: targets.map(String.init),
                fields: Array(arguments[5...]),
                connections: connections
            )
            say(try gets.run(seconds).line)
            return
        case "floor" where arguments.count == 3:
            guard let threads = Int(arguments[1]) else { break }
            let list = String(decoding: try File.contents(arguments[2]), as: UTF8.self).split(separator: "\n")
            let chunks = list.map { $0.split(separator: "\t").map(String.init) }
            say(try Floor(chunks: chunks, threads: threads).chunksPerSecond())
            return
        default: break
        }
        throw BenchmarkError(
            "usage: KernelBenchmark kernels | sink PLACE | load PLACE CONNECTIONS SECONDS FILE "
                + "| gets PLACE CONNECTIONS SECONDS|once FILE [FIELD ...] | floor THREADS FILE"
        )
    }
}

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A line on standard output, at once.
func say(_ value: some CustomStringConvertible) {
    print(value)
    fflush(nil)
}

/// The monotonic clock in seconds.
func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// The time that the calling thread has computed, in seconds: what others do on the machine is not in it.
func computed() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

enum File {
    static func contents(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw BenchmarkError("cannot open \(path)") }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let count = ftell(file)
        rewind(file)
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = fread(buffer.baseAddress, 1, count, file)
            guard filled == count else { throw BenchmarkError("cannot read \(path)") }
        }
    }
}
