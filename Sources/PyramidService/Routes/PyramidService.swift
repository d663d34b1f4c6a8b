// SPDX-License-Identifier: Apache-2.0
import HTTP1
package import HTTPServer
import HTTPTypes
import Logging

/// Answers every request: finds its route, serves it, and counts and logs what came of it.
package final class PyramidService: HTTPResponder {
    package let context: ServiceContext

    package init(_ context: ServiceContext) {
        self.context = context
    }

    package func respond(to exchange: Exchange) async {
        let transaction = Transaction(exchange, cors: context.cors)
        var failure: ServiceError?
        do {
            try await serve(transaction)
        } catch {
            let error = ServiceError(error)
            failure = error
            await transaction.fail(error)
        }
        finished(transaction, failure)
    }

    private func serve(_ transaction: Transaction) async throws {
        let head = transaction.exchange.head
        let segments = head.target.segments
        guard let match = RouteMatch(segments: segments) else {
            // `OPTIONS *` asks about the server as a whole; of any other path a page may hear that it is not there.
            if head.method == .options { return try await preflight(transaction, nil) }
            let known = Route.allCases.map(\.rawValue).joined(separator: ", ")
            throw ServiceError.notFound("There is no \(shortened(head.target.path)); there are \(known).")
        }
        let route = match.route
        transaction.route = route
        guard route.methods.contains(head.method) else {
            let allowed = route.allow.joined(separator: ", ")
            throw ServiceError.methodNotAllowed(
                "\(route.rawValue) has no \(head.method.rawValue); allowed: \(allowed).",
                allow: route.allow
            )
        }
        if head.method == .options { return try await preflight(transaction, route) }
        if let scope = route.scope(head.method), let tokens = context.tokens {
            try tokens.check(scope, method: head.method, fields: head.fields, query: head.target.query)
        }
        switch route {
        case .pyramid: try await PyramidHandler(context, transaction).handle()
        case .page: try await PageHandler(transaction: transaction).answer("/")
        case .pageFile: try await PageHandler(transaction: transaction).answer("/page/\(match.name)")
        case .chunk: try await VolumeHandler(context, transaction).chunk(match)
        case .volumes, .volume, .cutout, .preview, .info, .zarr:
            try await VolumeHandler(context, transaction).answer(match)
        case .health, .ready, .version, .metrics, .openAPI:
            try await Probes(context: context).answer(route, transaction)
        }
    }

    /// `route` is nil where there is none: then every method of the service is named.
    private func preflight(_ transaction: Transaction, _ route: Route?) async throws {
        let allow = route?.allow ?? Route.allowSomewhere
        var fields: HTTPFields = [.allow: allow.joined(separator: ", ")]
        if route == .pyramid { fields[.acceptPost] = BodyKind.listing }
        context.cors.applyPreflight(
            to: &fields,
            request: transaction.exchange.head.fields,
            allow: allow
        )
        try await transaction.send(.noContent, fields, body: [])
    }

    /// One line and one count a request.
    private func finished(_ transaction: Transaction, _ failure: ServiceError?) {
        let exchange = transaction.exchange
        let status =
            failure == .clientLeft ? ServiceError.clientLeft.status.code : transaction.status?.code ?? 500
        let (seconds, attoseconds) = transaction.elapsed.components
        context.metrics.finished(
            route: transaction.route?.rawValue ?? "other",
            method: exchange.head.method.rawValue,
            status: status,
            seconds: Double(seconds) + Double(attoseconds) / 1e18,
            received: exchange.bodyBytesReceived,
            sent: transaction.sentBytes
        )
        let limit = exchange.overrun?.limit ?? failure?.limit
        if let limit { context.metrics.refused(limit: limit) }
        let level = level(failure, limit, transaction)
        guard level >= context.logger.logLevel else { return }
        var metadata: Logger.Metadata = [
            "id": "\(transaction.requestID)", "method": "\(exchange.head.method.rawValue)",
            "path": "\(exchange.head.target.path)", "status": "\(status)",
            "peer": "\(exchange.remoteAddress)",
            "received": "\(exchange.bodyBytesReceived)", "sent": "\(transaction.sentBytes)",
            "ms": "\(milliseconds(transaction.elapsed))",
        ]
        if let reason = exchange.overrun?.reason ?? failure?.reason { metadata["reason"] = "\(reason)" }
        context.logger.log(level: level, "request", metadata: metadata)
    }

    private func level(_ failure: ServiceError?, _ limit: String?, _ transaction: Transaction) -> Logger.Level
    {
        if case .internalFault = failure { return .error }
        if limit != nil { return .warning }
        // Probes come every few seconds, chunks by the hundred.
        let isFrequent = transaction.route?.isFrequent ?? false
        return failure == nil && isFrequent ? .debug : .info
    }
}
