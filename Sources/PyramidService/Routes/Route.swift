// SPDX-License-Identifier: Apache-2.0
import Configuration
package import HTTPTypes

/// The resources of the service; raw values are their templates, and their names in logs and metrics.
package enum Route: String, CaseIterable, Sendable {
    case page = "/"
    case pageFile = "/page/{file}"
    case pyramid = "/v1/pyramid"
    case volumes = "/v1/volumes"
    case volume = "/v1/volumes/{name}"
    case cutout = "/v1/volumes/{name}/cutout"
    case preview = "/v1/volumes/{name}/preview.png"
    case info = "/precomputed/{name}/info"
    case chunk = "/precomputed/{name}/{scale}/{chunk}"
    case zarr = "/zarr/{name}/{key}"
    case openAPI = "/openapi.json"
    case health = "/healthz"
    case ready = "/readyz"
    case version = "/version"
    case metrics = "/metrics"

    package var methods: [HTTPRequest.Method] {
        switch self {
        case .pyramid: [.post, .options]
        case .volume: [.get, .head, .put, .delete, .options]
        case .page, .pageFile, .volumes, .cutout, .preview, .info, .chunk, .zarr, .openAPI, .health, .ready,
            .version, .metrics:
            [.get, .head, .options]
        }
    }

    package var allow: [String] { methods.map(\.rawValue) }

    /// The methods that some route has.
    static let allowSomewhere = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]

    /// What a token must allow; `nil`: nobody is asked. Probes have no tokens, and neither has a browser that opens
    /// the page, which asks for one.
    func scope(_ method: HTTPRequest.Method) -> AccessScope? {
        switch self {
        case .pyramid: .write
        case .volume: method == .put || method == .delete ? .write : .read
        case .volumes, .cutout, .preview, .info, .chunk, .zarr, .metrics: .read
        case .page, .pageFile, .openAPI, .health, .ready, .version: nil
        }
    }

    /// Whether an answer is given up soon after its client has sent FIN: what may be long in the making.
    var endsWithClient: Bool {
        switch self {
        case .chunk, .cutout, .preview, .zarr: true
        case .page, .pageFile, .pyramid, .volumes, .volume, .info, .openAPI, .health, .ready, .version,
            .metrics:
            false
        }
    }

    /// Whether it is asked for so often that a line a request would hide all others.
    var isFrequent: Bool { self != .pyramid && self != .volume }
}

/// A route with what its template leaves open.
struct RouteMatch: Equatable {
    let route: Route
    /// The name of a volume, or of a file of the page.
    var name = ""
    /// The path below a volume, decoded, without its leading slash; of a chunk without its last part: `8_8_40`.
    var key = ""
    /// The last part of a chunk's path: `0-64_0-64_0-64`.
    var chunk = ""

    /// Returns the resource at these decoded path segments; `nil`: there is none.
    ///
    /// A volume's name is not looked at beyond its grammar: whether there is one is for its route to say.
    init?(segments: [String]) {
        guard let first = segments.first else {
            route = .page
            return
        }
        switch first {
        case "page" where segments.count == 2:
            route = .pageFile
            name = segments[1]
        case "v1":
            guard let match = RouteMatch(version1: segments) else { return nil }
            self = match
        case "precomputed" where segments.count >= 3:
            name = segments[1]
            if segments.count == 3, segments[2] == "info" {
                route = .info
            } else {
                route = .chunk
                key = segments.count == 4 ? segments[2] : segments[2...].dropLast().joined(separator: "/")
                chunk = segments[segments.count - 1]
            }
        case "zarr" where segments.count >= 3:
            route = .zarr
            name = segments[1]
            key = segments[2...].joined(separator: "/")
        default:
            guard segments.count == 1, let route = Route(rawValue: "/" + first) else { return nil }
            self.route = route
        }
    }

    /// `segments` begin with `v1`.
    private init?(version1 segments: [String]) {
        switch segments.count {
        case 2 where segments[1] == "pyramid": route = .pyramid
        case 2 where segments[1] == "volumes": route = .volumes
        case 3 where segments[1] == "volumes":
            route = .volume
            name = segments[2]
        case 4 where segments[1] == "volumes" && segments[3] == "cutout":
            route = .cutout
            name = segments[2]
        case 4 where segments[1] == "volumes" && segments[3] == "preview.png":
            route = .preview
            name = segments[2]
        default: return nil
        }
    }
}
