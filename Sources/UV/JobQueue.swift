// SPDX-License-Identifier: Apache-2.0

/// The jobs that wait for the end of the loop's current iteration, first in first out.
///
/// As many as there are runnable tasks on the loop, each once: whoever limits tasks limits this.
struct JobQueue {
    private var jobs: [UnownedJob] = []
    private var head = 0

    var isEmpty: Bool { head == jobs.count }

    mutating func append(_ job: UnownedJob) { jobs.append(job) }

    mutating func append(contentsOf batch: [UnownedJob]) { jobs.append(contentsOf: batch) }

    mutating func popFirst() -> UnownedJob? {
        guard head < jobs.count else { return nil }
        let job = jobs[head]
        head += 1
        if head == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024, head * 2 >= jobs.count {
            // A queue that is never quite empty must not grow without end; moving half of it is paid for already.
            jobs.removeFirst(head)
            head = 0
        }
        return job
    }
}
