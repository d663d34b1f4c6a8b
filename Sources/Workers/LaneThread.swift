// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import Synchronization

/// A thread that sleeps until it is handed something to do, and sleeps again.
///
/// It begins with the first thing, and ends when this object is gone.
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

    deinit { mailbox.put(nil) }

    /// Has the thread run `body`. Never called while it runs another.
    ///
    /// Where the system has no thread to give, one that Dispatch waits for does it.
    func run(_ body: @escaping @Sendable () -> Void) {
        guard hasBegun.load(ordering: .relaxed) || begin() else {
            return DispatchQueue.global().async { body() }
        }
        mailbox.put(body)
    }

    private func begin() -> Bool {
        // The thread takes over this count of references.
        let argument = Unmanaged.passRetained(mailbox)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, laneThreadMain, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            return false
        }
        pthread_detach(thread)
        hasBegun.store(true, ordering: .relaxed)
        return true
    }

    /// The thread's whole life; `argument` is a mailbox that it owns.
    fileprivate static func live(_ argument: UnsafeMutableRawPointer) {
        Unmanaged<Mailbox>.fromOpaque(argument).takeRetainedValue().serve()
    }
}

private func laneThreadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { LaneThread.live(argument) }
    return nil
}
