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
    private static func refusal(_ error: ProtocolError, _ context: ServiceContext) -> (FieldLines, [UInt8]) {
        let id = RequestID.of([:])
        let error = ServiceError.transport(error)
        if let limit = error.limit { context.metrics.refused(limit: limit) }
        context.logger.info(
            "refused",
            metadata: ["id": "\(id)", "status": "\(error.status.code)", "reason": "\(error.reason)"]
        )
        var lines: FieldLines = [
            .contentType: Problem.mediaType, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            .requestID: id,
        ]
        for field in error.fields { lines.append(field) }
        context.cors.append(to: &lines, request: [:])
        if let varied = context.cors.varied(by: nil) { lines.append("Vary", varied) }
        return (lines, Problem.body(error, requestID: id))
    }
}
