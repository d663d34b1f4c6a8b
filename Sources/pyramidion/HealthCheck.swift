// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Configuration
import UV

/// Asks a running service whether it is ready; for containers.
struct HealthCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Exits with 0 when a running service says that it is ready."
    )

    @Argument(help: "http://HOST:PORT or unix:PATH; default: where the configuration listens.")
    var url: String?

    @OptionGroup(visibility: .hidden) var settings: Settings

    func run() async throws {
        let endpoint = try url.map(HealthCheck.endpoint) ?? firstListener()
        do {
            let socket = try BlockingSocket(connectingTo: endpoint, timeout: .seconds(5))
            try socket.send(
                Array("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
            )
            var answer: [UInt8] = []
            while answer.count < 64 << 10 {
                let bytes = try socket.receive()
                if bytes.isEmpty { break }
                answer += bytes
            }
            let statusLine = String(
                decoding: answer.prefix { $0 != UInt8(ascii: "\r") }.prefix(100),
                as: UTF8.self
            )
            guard statusLine.hasPrefix("HTTP/1.1 200") else {
                throw Failure.runtime(
                    "\(endpoint) is not ready: \(statusLine.isEmpty ? "no answer" : statusLine)"
                )
            }
        } catch let error as UVError {
            throw Failure.runtime("\(endpoint) is not ready: \(error)")
        }
    }

    private func firstListener() throws -> Endpoint {
        guard let first = try settings.configuration().listen.first else {
            throw Failure.runtime("the configuration listens nowhere")
        }
        return Endpoint(first)
    }

    /// The path is read over: readiness has its own.
    private static func endpoint(_ url: String) throws -> Endpoint {
        var text = Substring(url)
        if text.hasPrefix("http://") { text = text.dropFirst("http://".count).prefix { $0 != "/" } }
        if text.hasPrefix("localhost:") { text = "127.0.0.1" + text.dropFirst("localhost".count) }
        if !text.isEmpty, !text.hasPrefix("unix:"), !text.drop(while: { $0 != "]" }).contains(":"),
            !text.contains(":")
        {
            text += ":80"
        }
        do {
            return try Endpoint(parsing: String(text))
        } catch {
            throw Failure.commandLine("\(error)")
        }
    }
}
