// SPDX-License-Identifier: Apache-2.0

package import HTTP1

/// What answers requests.
package protocol HTTPResponder: Sendable {
    /// Answers one request, exactly once; called on the request's loop as soon as its head is known.
    ///
    /// It stays on the loop, child tasks too, so it must not compute for long there: only awaiting work that is given
    /// to another thread leaves it. The connection's next request waits until this returns. A return without an
    /// answer is answered for it: with the error of the body if there was one, else with 500; an answer that was
    /// begun and not ended is aborted.
    func respond(to exchange: Exchange) async
}

/// Why a request body cannot be read to its end.
package enum BodyError: Error, Equatable, Sendable {
    /// Its framing is broken, or it is over the limit for bodies.
    case protocolError(ProtocolError)
    /// The client closed the connection before the body's end.
    case clientLeft
    /// It came too slowly.
    case tooSlow(ProtocolError.Slowness)
    /// The server gave up: it is stopping, or the answer was aborted.
    case cancelled
}

/// Why an answer cannot be written.
package enum WriteError: Error, Equatable, Sendable {
    /// The connection is gone, or it took nothing for too long.
    case clientLeft
    /// The server gave up on the request.
    case cancelled
    /// The answer breaks the rules, which is the service's mistake; the text says which.
    case misuse(String)
}
