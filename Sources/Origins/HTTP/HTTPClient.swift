// SPDX-License-Identifier: Apache-2.0
import Synchronization
package import UV

/// Reads objects over HTTP with libcurl: connections are kept, and HTTP/2 is spoken where the server has it.
///
/// It has a loop of its own. A TLS handshake costs milliseconds of computing, and so does closing many connections: on
/// the service's loop every client would wait for them. Name look-ups have threads of libcurl's. Proxies are what the
/// environment says (`http_proxy`, `https_proxy`, `no_proxy`): libcurl's default, and what people expect of a service.
///
/// End it with ``close()``.
package final class HTTPClient: Sendable {
    let configuration: HTTPClientConfiguration
    private let transfers: TransferLoop
    private let totals = Mutex(Counts())

    /// What the client did, for metrics.
    package struct Counts: Hashable, Sendable {
        /// How many requests were sent, with every try and every redirect.
        package var requests = 0
        /// How many of them were further tries.
        package var retries = 0
        /// How many objects could not be had, for any reason but that they are not there.
        package var failures = 0
        /// How many bytes of bodies were taken, as they came.
        package var bytes = 0
    }

    /// Makes a client; it opens no connection before it is asked for something.
    /// - Throws: ``OriginError/unreachable(place:reason:)`` when the system has no thread or descriptor left for its loop.
    package init(_ configuration: HTTPClientConfiguration) throws(OriginError) {
        self.configuration = configuration
        do {
            transfers = TransferLoop(try EventLoop(name: "http-client"), configuration)
        } catch {
            throw .unreachable(place: "every source", reason: "\(error)")
        }
    }

    /// What the client did so far.
    package var counts: Counts { totals.withLock { $0 } }

    /// Ends all requests with ``OriginError/stopped``, closes all connections and ends the loop.
    ///
    /// - Returns: Whether everything on the loop was closed; the same for every caller.
    @discardableResult
    package func close() async -> LoopCloseReport {
        await transfers.stop()
        return await transfers.eventLoop.close()
    }

    /// Does a request with its redirects, again if that may help.
    /// - Returns: An answer with whatever status is not worth another try.
    func answer(_ request: HTTPRequest) async throws(OriginError) -> HTTPAnswer {
        do throws(OriginError) {
            let answer = try await persistently(request)
            totals.withLock { $0.bytes &+= answer.bytes.count }
            return answer
        } catch {
            if error != .cancelled { totals.withLock { $0.failures += 1 } }
            throw error
        }
    }

    private func persistently(_ request: HTTPRequest) async throws(OriginError) -> HTTPAnswer {
        var request = request
        let start = ContinuousClock.now
        var attempt = 1
        while true {
            let error: OriginError
            var delay = configuration.backOff(attempt)
            switch await followed(request) {
            case .success(let answer):
                guard Self.mayPass(answer.status) else { return answer }
                error = .refused(place: request.place, status: answer.status)
                let asked = Duration.seconds(min(answer.retryAfter, 1 << 30))
                delay = max(delay, min(asked, configuration.longestRetryAfter))
            case .failure(let failure):
                guard failure.mayRetry else { throw failure.error }
                error = failure.error
                if failure.needsFreshConnection { request.needsFreshConnection = true }
            }
            let passed = start.duration(to: .now) + delay
            guard attempt < configuration.tries, passed < configuration.totalTimeout else { throw error }
            if let end = await transfers.pause(for: delay) { throw end }
            attempt += 1
            totals.withLock { $0.retries += 1 }
        }
    }

    /// Does a request and follows its redirects, each of which is looked at: http and https only, and never from https
    /// to http. Credentials are for the server they were given for.
    private func followed(_ request: HTTPRequest) async -> Result<HTTPAnswer, TransferFailure> {
        var request = request
        let credentials = request.address
        for _ in 0...max(0, configuration.redirects) {
            totals.withLock { $0.requests += 1 }
            let answer: HTTPAnswer
            switch await transfers.perform(request) {
            case .success(let some): answer = some
            case .failure(let failure): return .failure(failure)
            }
            guard Self.isRedirect(answer.status) else { return .success(answer) }
            do throws(OriginError) {
                request.address = try Self.target(of: answer, from: request, credentials)
            } catch {
                return .failure(TransferFailure(error: error, mayRetry: false))
            }
        }
        let reason = "it redirects more than \(configuration.redirects) times"
        let error = OriginError.brokenAnswer(place: request.place, reason: reason)
        return .failure(TransferFailure(error: error, mayRetry: false))
    }

    static func target(
        of answer: HTTPAnswer,
        from request: HTTPRequest,
        _ original: WebAddress
    ) throws(OriginError) -> WebAddress {
        guard let text = answer.redirect else {
            throw .brokenAnswer(place: request.place, reason: "it redirects to nowhere")
        }
        guard let target = try? WebAddress(text) else {
            throw .brokenAnswer(place: request.place, reason: "it redirects to what is no http(s) URL")
        }
        guard request.address.scheme == "http" || target.scheme == "https" else {
            throw .brokenAnswer(place: request.place, reason: "it redirects from https to http")
        }
        return target.with(target.isSameServer(as: original) ? original.credentials : nil)
    }

    private static func isRedirect(_ status: Int) -> Bool { [301, 302, 303, 307, 308].contains(status) }

    /// Whether another try may find another status.
    private static func mayPass(_ status: Int) -> Bool { [429, 500, 502, 503, 504].contains(status) }
}
