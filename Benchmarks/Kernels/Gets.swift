// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Synchronization

/// GETs of many targets on several connections that are kept alive, each by a thread of its own.
///
/// The connections take the targets in order, whichever is free the next one, and begin anew at the end of the list.
struct Gets: Sendable {
    let place: Place
    let targets: [String]
    /// Lines of every request's head beside `Host`.
    let fields: [String]
    let connections: Int

    /// What came of it.
    struct Outcome {
        let seconds: Double
        /// Milliseconds that each answer took, from the least to the most.
        let milliseconds: [Double]
        /// Bytes of all bodies.
        let bytes: Int

        /// Answers a second, the median and the 99th percentile in milliseconds, the bytes of bodies, the answers.
        var line: String {
            "\(Double(milliseconds.count) / seconds) \(percentile(50)) \(percentile(99)) \(bytes) "
                + "\(milliseconds.count)"
        }

        private func percentile(_ percent: Int) -> Double {
            guard let last = milliseconds.last else { return 0 }
            let place = milliseconds.count * percent / 100
            return place < milliseconds.count ? milliseconds[place] : last
        }
    }

    /// Asks for `seconds`, or with nil for every target once. All answers have to have status 200.
    func run(_ seconds: Double?) throws -> Outcome {
        let requests = targets.map { target in
            Array(("GET \(target) HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n").utf8)
        }
        guard !requests.isEmpty else { throw BenchmarkError("no targets") }
        let wires = try (0..<connections).map { _ in try place.open(listening: false) }
        let next = Atomic(0)
        let failures = Atomic(0)
        let found = Mutex<(times: [Double], bytes: Int)>(([], 0))
        let group = DispatchGroup()
        let begin = now()
        let end = seconds.map { begin + $0 }
        for descriptor in wires {
            DispatchQueue(label: "connection").async(group: group) {
                let wire = Wire(descriptor)
                var times: [Double] = []
                var bytes = 0
                while true {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    let start = now()
                    if let end { guard start < end else { break } } else if index >= requests.count { break }
                    let request = requests[index % requests.count]
                    guard request.withUnsafeBytes({ wire.write($0) }), let answer = wire.readAnswer(),
                        answer.status == 200
                    else {
                        failures.wrappingAdd(1, ordering: .relaxed)
                        break
                    }
                    times.append((now() - start) * 1000)
                    bytes += answer.bytes
                }
                wire.close()
                found.withLock {
                    $0.times += times
                    $0.bytes += bytes
                }
            }
        }
        group.wait()
        let took = now() - begin
        guard failures.load(ordering: .relaxed) == 0 else {
            throw BenchmarkError("not every answer was a 200")
        }
        return found.withLock { Outcome(seconds: took, milliseconds: $0.times.sorted(), bytes: $0.bytes) }
    }

    private var lines: String { fields.map { $0 + "\r\n" }.joined() }
}
