// SPDX-License-Identifier: Apache-2.0

import Dispatch
import HTTPServer
import UV

/// One answer as it came over the wire.
struct Answer: Equatable {
    var status = 0
    var fields: [String: String] = [:]
    var body = ""
    /// Whether the body had the end that its framing promised.
    var isWhole = true

    var closes: Bool { fields["connection"] == "close" }
}

/// A thread of Dispatch, so that what blocks does not take one from the tasks of other tests.
private final class BlockingExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "test-client")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

/// A client that sends bytes as they are and reads answers; for ten seconds at most.
actor TestClient {
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private nonisolated let executor = BlockingExecutor()
    private let socket: BlockingSocket
    private var unread: [UInt8] = []

    init(_ server: HTTPServer) throws {
        socket = try BlockingSocket(connectingTo: server.endpoints[0], timeout: .seconds(10))
    }

    func send(_ text: String) throws { try socket.send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws { try socket.send(bytes) }

    func finishSending() { socket.finishSending() }

    /// Closes so that the server sees a reset, or on a Unix socket a hang-up.
    func vanish() { socket.reset() }

    /// Whether the server closes without a further byte.
    func isAtEnd() -> Bool {
        guard unread.isEmpty else { return false }
        do {
            unread = try socket.receive()
            return unread.isEmpty
        } catch {
            return !error.isTimeout
        }
    }

    /// The next answer; a 100 is an answer too. `method` decides whether there is a body.
    func answer(to method: String = "GET") throws -> Answer {
        var answer = Answer()
        let lines = try until("\r\n\r\n").components(separatedBy: "\r\n")
        answer.status = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
        for line in lines.dropFirst() where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(colon, offsetBy: 2)...]
            answer.fields[line[..<colon].lowercased()] = String(value)
        }
        guard method != "HEAD", answer.status >= 200, answer.status != 204 else { return answer }
        if answer.fields["transfer-encoding"] == "chunked" {
            try readChunks(&answer)
        } else if let length = answer.fields["content-length"].flatMap({ Int($0) }) {
            let bytes = try take(length)
            answer.isWhole = bytes.count == length
            answer.body = String(decoding: bytes, as: UTF8.self)
        } else {
            while try more() {}
            answer.body = String(decoding: unread, as: UTF8.self)
            unread = []
        }
        return answer
    }

    /// Sends a request without a body and reads the answer.
    func get(_ path: String, _ fields: String = "", method: String = "GET") throws -> Answer {
        try send("\(method) \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
        return try answer(to: method)
    }

    private func readChunks(_ answer: inout Answer) throws {
        while true {
            let line = try until("\r\n")
            // CR and LF are one Character.
            guard let size = Int(line.dropLast(), radix: 16) else {
                answer.isWhole = false
                return
            }
            let bytes = try take(size + 2)
            answer.isWhole = bytes.count == size + 2
            answer.body += String(decoding: bytes.prefix(size), as: UTF8.self)
            guard size > 0, answer.isWhole else { return }
        }
    }

    /// Everything up to `end` and with it, or up to the close.
    private func until(_ end: String) throws -> String {
        let pattern = Array(end.utf8)
        var searched = 0
        while true {
            while searched + pattern.count <= unread.count {
                if unread[searched..<searched + pattern.count].elementsEqual(pattern) {
                    return String(decoding: try take(searched + pattern.count), as: UTF8.self)
                }
                searched += 1
            }
            guard try more() else { return String(decoding: try take(unread.count), as: UTF8.self) }
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while unread.count < count, try more() {}
        let bytes = Array(unread.prefix(count))
        unread.removeFirst(bytes.count)
        return bytes
    }

    private func more() throws -> Bool {
        let bytes = try socket.receive(upTo: 1 << 20)
        unread += bytes
        return !bytes.isEmpty
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
