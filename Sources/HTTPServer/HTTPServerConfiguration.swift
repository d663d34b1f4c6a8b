// SPDX-License-Identifier: Apache-2.0

package import HTTP1
import HTTPTypes

/// How much a server takes.
package struct HTTPServerLimits: Sendable {
    /// Of the parser: heads, bodies, chunk extensions, trailers.
    package var http1 = HTTP1Limits()
    /// Of a connection: requests, and unread body bytes that are read over to save it.
    package var connection = ConnectionMachine.Limits()
    /// Connections in all; a further one is answered 503.
    package var connections = 20_000
    /// Connections from one address; a further one is answered 503. Unix sockets are not counted.
    package var connectionsPerAddress = 4_000
    /// Bytes of pipelined requests or of a body that are read ahead while a request is being answered.
    package var readAheadBytes = 64 * 1024
    /// Bytes that are read and dropped behind a last answer, until the client closes too.
    package var lingerBytes = 64 * 1024 * 1024

    package init() {}
}

/// How long a server waits. Each fires between its time and a quarter of a second later.
package struct HTTPServerTimeouts: Sendable {
    /// For a whole request head, from its first byte, on a new connection from the start.
    package var head: Duration = .seconds(10)
    /// For the next request on a connection that persists.
    package var idle: Duration = .seconds(60)
    /// Between two pieces of a body that the service waits for.
    package var bodyGap: Duration = .seconds(10)
    /// Bytes a second that a body must bring on the whole while the service waits for it; 0 turns it off.
    ///
    /// Counted from ``bodyGap`` after the first wait on.
    package var bodyBytesPerSecond = 4096
    /// From the end of a request, as the service reads it, to the end of its answer.
    package var answer: Duration = .seconds(600)
    /// For the client to take something of an answer that it does not read.
    package var writeStall: Duration = .seconds(10)
    /// Bytes a second that a client must take of an answer that waits for it, in each ``answerWindow``; 0 turns it
    /// off.
    package var answerBytesPerSecond = 1024
    /// The time over which ``answerBytesPerSecond`` is looked at.
    package var answerWindow: Duration = .seconds(30)
    /// From the last answer to the close.
    package var linger: Duration = .seconds(5)

    package init() {}
}

/// Everything a server is told once.
package struct HTTPServerConfiguration: Sendable {
    package var limits = HTTPServerLimits()
    package var timeouts = HTTPServerTimeouts()
    /// The fields and body of an answer to a request that is no valid HTTP, by its error.
    ///
    /// Called on a loop. The status is the error's hint.
    package var errorBody: @Sendable (ProtocolError) -> (FieldLines, [UInt8]) = { error in
        ([.contentType: "text/plain; charset=utf-8"], Array((error.detail + "\n").utf8))
    }

    package init() {}
}
