// SPDX-License-Identifier: Apache-2.0
import Configuration
import HTTP1
package import HTTPServer
import HTTPTypes
import Logging

extension HTTPServerConfiguration {
    /// The transport's share of the configuration, with errors that look like the service's own.
    package init(_ context: ServiceContext) {
        self.init()
        let settings = context.configuration.limits
        limits.http1.targetBytes = settings.targetBytes
        limits.http1.headBytes = settings.headBytes
        limits.http1.fieldBytes = settings.headBytes
        limits.http1.fieldCount = settings.headerCount
        limits.http1.bodyBytes = settings.bodyBytes
        limits.connection.requests = settings.requestsPerConnection
        limits.connections = settings.connections
        limits.connectionsPerAddress =
            settings.connectionsPerAddress > 0 ? settings.connectionsPerAddress : .max
        limits.readAheadBytes = settings.readAhead
        let times = context.configuration.timeouts
        timeouts.head = times.head
        timeouts.idle = times.idle
        timeouts.bodyGap = times.bodyGap
        timeouts.bodyBytesPerSecond = settings.bodyRate
        timeouts.answerBytesPerSecond = settings.answerRate
        timeouts.answer = times.answer
        timeouts.writeStall = times.writeStall
        errorBody = { error in Self.refusal(error, context) }
    }

    /// Such a request never reaches the service: it is counted and logged here.
    private static func refusal(_ error: ProtocolError, _ context: ServiceContext) -> (HTTPFields, [UInt8]) {
        let id = RequestID.of([:])
        let error = ServiceError.transport(error)
        if let limit = error.limit { context.metrics.refused(limit: limit) }
        context.logger.info(
            "refused",
            metadata: ["id": "\(id)", "status": "\(error.status.code)", "reason": "\(error.reason)"]
        )
        var fields = error.fields
        fields[.contentType] = Problem.mediaType
        fields[.cacheControl] = "no-store"
        fields[.xContentTypeOptions] = "nosniff"
        fields[.requestID] = id
        context.cors.apply(to: &fields, request: [:])
        return (fields, Problem.body(error, requestID: id))
    }
}
