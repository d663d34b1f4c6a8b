// SPDX-License-Identifier: Apache-2.0
import Glibc

extension ByteStream {
    /// Closes so that the peer sees a reset instead of an end, and does not take what it has for the whole.
    ///
    /// What the kernel has not sent yet is lost. A Unix socket knows no reset: there it is ``close(_:)``.
    /// C function: `setsockopt` with `SO_LINGER` and a time of 0, then `uv_close`.
    package func closeWithReset() {
        if let descriptor {
            var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
            let length = socklen_t(MemoryLayout<Glibc.linger>.size)
            // If it fails, the close is an ordinary one.
            _ = setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, length)
        }
        close()
    }
}
