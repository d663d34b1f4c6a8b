// SPDX-License-Identifier: Apache-2.0
import CUV

/// Calls back on the loop when a time has come, once or again and again.
///
/// Cheap to move: thousands of connections push their deadline with every read. Moving it later only stores the new
/// time; the libuv timer, when it fires too early, is set again for the rest. Stopping it only forgets the time.
/// So a heap operation is paid for a shorter deadline or once a period, not for each call. When the loop is late,
/// timers whose times have passed call back in no particular order.
package final class LoopTimer: LoopHandle {
    private let fired: () -> Void
    /// When to call back, in milliseconds of the loop's clock.
    private var deadline: UInt64?
    /// When the libuv timer will fire; nil when it is not running.
    private var armed: UInt64?
    private var period: UInt64 = 0

    private var timer: UnsafeMutablePointer<uv_timer_t> { memory.assumingMemoryBound(to: uv_timer_t.self) }

    /// Makes a timer that is not running.
    /// - Parameters:
    ///   - loop: The caller is on it.
    ///   - fired: Called on the loop. It may start, stop or close the timer.
    /// - Throws: ``UVError`` `ECANCELED` when the loop is closing.
    package init(loop: EventLoop, fired: @escaping () -> Void) throws(UVError) {
        self.fired = fired
        try super.init(.timer, loop: loop, type: UV_TIMER, call: "uv_timer_init") { uv, memory in
            uv_timer_init(uv, memory.assumingMemoryBound(to: uv_timer_t.self))
        }
    }

    /// Whether a time is set.
    package var isRunning: Bool { deadline != nil }

    /// Sets the time to `delay` from now, in place of an earlier setting.
    ///
    /// "Now" is ``EventLoop/now``, so a long callback counts towards the delay. Rounded up to whole milliseconds; less
    /// than zero is zero, which means the next iteration. On a closed timer it does nothing.
    /// - Parameters:
    ///   - delay: Until the first call.
    ///   - period: Between further calls, counted from each call; nil for one call.
    package func start(after delay: Duration, repeatingEvery period: Duration? = nil) {
        guard isOpen else { return }
        loop.preconditionOnLoop()
        let (due, overflow) = uv_now(loop.uv).addingReportingOverflow(Self.milliseconds(delay))
        deadline = overflow ? .max : due
        self.period = period.map { max(1, Self.milliseconds($0)) } ?? 0
        arm()
    }

    /// Forgets the time that is set.
    package func stop() {
        deadline = nil
    }

    override func willClose() { deadline = nil }

    private func arm() {
        guard let deadline else { return }
        if let armed, armed <= deadline { return }
        let now = uv_now(loop.uv)
        // Fails only without a callback or on a closing handle; neither can be.
        uv_timer_start(timer, timerFired, deadline > now ? deadline - now : 0, 0)
        armed = deadline
    }

    fileprivate func expired() {
        armed = nil
        guard let due = deadline else { return }
        let now = uv_now(loop.uv)
        guard due <= now else { return arm() }
        deadline = period == 0 ? nil : now + period
        arm()
        fired()
    }

    private static func milliseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let fraction = (UInt64(attoseconds) + 999_999_999_999_999) / 1_000_000_000_000_000
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1000)
        // Half of the range, so that the sum with the loop's clock never passes its end in libuv either.
        return overflow ? .max / 2 : min(whole + fraction, .max / 2)
    }
}

private func timerFired(_ handle: UnsafeMutablePointer<uv_timer_t>?) {
    owner(handle?.pointee.data, as: LoopTimer.self)?.expired()
}
