// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

extension ProtocolError {
    /// ``statusHint`` with its reason phrase.
    package var status: HTTPResponse.Status {
        switch statusHint {
        case 400: .badRequest
        case 408: .requestTimeout
        case 413: .contentTooLarge
        case 414: .uriTooLong
        case 417: .expectationFailed
        case 431: .requestHeaderFieldsTooLarge
        case 501: .notImplemented
        case 503: .serviceUnavailable
        case 505: .httpVersionNotSupported
        case let code: HTTPResponse.Status(code: code)
        }
    }
}
