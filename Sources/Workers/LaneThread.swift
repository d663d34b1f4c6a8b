// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import Synchronization

/// A thread that sleeps until it is handed something to do, and sleeps again.
///
/// Dispatch gives it with the first thing, to a block that ends when this object is gone: a block for each piece of work
/// would find another thread each time, with cold caches and memory of its own.
final class LaneThread: Sendable {
    /// What the thread and its owner share; the thread holds nothing else while it sleeps.
    private final class Mailbox: Sendable {
        /// Nil: the thread is to end.
        private let work = Mutex<(@Sendable () -> Void)?>(nil)
        private let filled = DispatchSemaphore(value: 0)

        func put(_ body: (@Sendable () -> Void)?) {
            work.withLock { $0 = body }
            filled.signal()
        }

        func serve() {
            // The loop that feeds the lanes comes first where cores are few. On Linux 0 is the calling thread; if it
            // fails, the thread is scheduled as any other.
            _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, LaneThread.niceness)
            while true {
                filled.wait()
                // Taken out, so that nothing it holds is kept while the thread sleeps.
                guard let body = work.withLock({ $0.take() }) else { return }
                body()
            }
        }
    }

    private static let niceness: Int32 = 5

    private let mailbox = Mailbox()
    private let hasBegun = Atomic<Bool>(false)
    private let queue: DispatchQueue

    /// Uses no thread yet.
    init(name: String) {
        // Serial, so that its thread is not one of those of Swift's tasks, whose number is that of the cores.
        queue = DispatchQueue(label: name)
    }

    deinit { if hasBegun.load(ordering: .relaxed) { mailbox.put(nil) } }

    /// Has the thread run `body`. Never called while it runs another.
    func run(_ body: @escaping @Sendable () -> Void) {
        mailbox.put(body)
        if !hasBegun.exchange(true, ordering: .relaxed) {
            queue.async { [mailbox] in mailbox.serve() }
        }
    }
}
