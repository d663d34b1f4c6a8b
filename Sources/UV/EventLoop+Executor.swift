// SPDX-License-Identifier: Apache-2.0

extension EventLoop: SerialExecutor, TaskExecutor {
    /// Queues a job for the end of the current iteration; from another thread, by way of the mailbox.
    package func enqueue(_ job: consuming ExecutorJob) { accept(UnownedJob(job)) }

    /// The loop as the executor of actors.
    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// The loop as the executor that tasks prefer.
    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    /// Whether the caller is on the loop's thread, task or not; libuv's callbacks are no tasks.
    package func isIsolatingCurrentContext() -> Bool? { isOnLoop }

    /// Traps unless the caller is on the loop's thread.
    package func checkIsolated() { preconditionOnLoop() }
}
