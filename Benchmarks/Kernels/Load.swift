// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Synchronization

/// One request, sent over and over on several connections that are kept alive, each by a thread of its own.
struct Load: Sendable {
    let place: Place
    let request: [UInt8]
    let connections: Int

    /// How many answers a second come, all of them with status 200.
    func answersPerSecond(_ seconds: Double) throws -> Double {
        let wires = try (0..<connections).map { _ in try place.open(listening: false) }
        let answers = Atomic(0)
        let failures = Atomic(0)
        let end = now() + seconds
        let group = DispatchGroup()
        let begin = now()
        for descriptor in wires {
            let thread = DispatchQueue(label: "connection")
            thread.async(group: group) {
                let wire = Wire(descriptor)
                while now() < end {
                    guard request.withUnsafeBytes({ wire.write($0) }), let head = wire.readMessage(),
                        head.hasPrefix("HTTP/1.1 200")
                    else {
                        failures.wrappingAdd(1, ordering: .relaxed)
                        break
                    }
                    answers.wrappingAdd(1, ordering: .relaxed)
                }
                wire.close()
            }
        }
        group.wait()
        guard failures.load(ordering: .relaxed) == 0 else {
            throw BenchmarkError("not every answer was a 200")
        }
        return Double(answers.load(ordering: .relaxed)) / (now() - begin)
    }
}
