// SPDX-License-Identifier: Apache-2.0

/// Limits and times of an ``HTTPClient``.
package struct HTTPClientConfiguration: Sendable {
    /// What the client calls itself: `pyramidion/1.2`.
    package var userAgent: String
    /// For a name look-up, a connection and TLS together.
    package var connectTimeout: Duration = .seconds(5)
    /// For one try, from its start to the last byte. No try begins when so much time has passed since the first.
    package var totalTimeout: Duration = .seconds(30)
    /// A try ends when fewer bytes a second came, on average, for ``slowTime``; 0: never.
    package var slowBytesPerSecond = 1024
    /// How long a source may be slow, which includes the time to its first byte. Whole seconds.
    package var slowTime: Duration = .seconds(15)
    /// How often an object is asked for at most.
    package var tries = 3
    /// How long to wait after the `attempt`-th try, counted from 1; a `Retry-After` may make it longer.
    package var backOff: @Sendable (_ attempt: Int) -> Duration = { attempt in
        // 250 ms, 500 ms, 1 s …, of which a random half is left out, so that many who failed together come back apart.
        .milliseconds(Double(250 << min(max(attempt - 1, 0), 4)) * Double.random(in: 0.5...1))
    }
    /// The longest time that a server's `Retry-After` is waited for.
    package var longestRetryAfter: Duration = .seconds(10)
    /// How many requests are under way at a time, and so how many connections there are, idle ones included.
    package var connections = 64
    /// How many of them to one host.
    package var connectionsPerHost = 16
    /// How many requests may wait for one of those, or for their next try.
    package var waitingRequests = 1024
    /// How many redirects are followed for one object.
    package var redirects = 3
    /// How many bytes of an object are taken when a server sends all of it in answer to a range.
    package var wholeObjectLimit = 64 << 20
    /// A file of certificates to trust in place of the system's; nil: the system's.
    package var certificatesFile: String?

    /// Makes the usual limits.
    package init(userAgent: String) { self.userAgent = userAgent }
}
