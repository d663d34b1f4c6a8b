// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

/// The resources of the service; raw values are their names in logs and metrics.
enum Route: String, CaseIterable {
    case pyramid = "/v1/pyramid"
    case health = "/healthz"
    case ready = "/readyz"
    case version = "/version"
    case metrics = "/metrics"

    /// Returns the resource at these decoded path segments.
    init?(segments: [String]) {
        guard let route = Route(rawValue: "/" + segments.joined(separator: "/")) else { return nil }
        self = route
    }

    var methods: [HTTPRequest.Method] {
        switch self {
        case .pyramid: [.post, .options]
        case .health, .ready, .version, .metrics: [.get, .head, .options]
        }
    }

    var allow: [String] { methods.map(\.rawValue) }

    /// What a token must allow; `nil`: nobody is asked, as probes have none.
    var scope: AccessScope? {
        switch self {
        case .pyramid: .write
        case .metrics: .read
        case .health, .ready, .version: nil
        }
    }
}
