// SPDX-License-Identifier: Apache-2.0
import CUV
import Glibc

extension ByteStream {
    /// How many of the bytes written have reached the peer's kernel; 0 when the stream is closed.
    ///
    /// What our kernel holds does not count, so a peer that reads slowly is seen to take little, however much the
    /// kernel took from us in one gulp. One system call. C function: `ioctl` with `SIOCOUTQ`.
    package var deliveredBytes: Int {
        guard let descriptor else { return 0 }
        var unsent: Int32 = 0
        // If it fails, what the kernel took counts as delivered.
        _ = ioctl(descriptor, UInt(TIOCOUTQ), &unsent)
        return submittedBytes - writeQueueSize - Int(unsent)
    }

    /// Whether the connection is broken, which a stream that is not reading is not told.
    ///
    /// A peer that has only sent its end has not hung up: it may still read. One system call. C function: `poll`.
    package var hasHungUp: Bool {
        guard let descriptor else { return false }
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&entry, 1, 0) > 0 && Int32(entry.revents) & (POLLERR | POLLHUP) != 0
    }

    /// The socket; nil when the stream is closed.
    var descriptor: Int32? {
        var descriptor: uv_os_fd_t = -1
        let handle = memory.assumingMemoryBound(to: uv_handle_t.self)
        return isOpen && uv_fileno(handle, &descriptor) == 0 ? descriptor : nil
    }
}
