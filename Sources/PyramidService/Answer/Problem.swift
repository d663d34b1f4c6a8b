// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

/// The body of an error: `application/problem+json` (RFC 9457).
///
/// `type` is `about:blank`: the status and the detail say it all. `parameter`, `limit` and `request_id` are
/// members of our own.
package enum Problem {
    static let mediaType = "application/problem+json"

    package static func body(_ error: ServiceError, requestID: String) -> [UInt8] {
        var text = JSONText()
        text.member("type", "about:blank")
        // RFC 9457 §4.2.1: with `about:blank` the title is the status's own phrase.
        text.member("title", error.status.reasonPhrase)
        text.member("status", error.status.code)
        text.member("detail", error.detail)
        if case .parameter(let name, _) = error { text.member("parameter", name) }
        if let limit = error.limit { text.member("limit", limit) }
        text.member("request_id", requestID)
        return text.closed()
    }
}
