// SPDX-License-Identifier: Apache-2.0
package import HTTPTypes

extension Route {
    /// The names of the query parameters that `method` takes, as its handler has them.
    ///
    /// Beside them, GET and HEAD of what needs a token take `access_token`.
    package func queryParameters(_ method: HTTPRequest.Method) -> [String] {
        switch self {
        case .pyramid: PyramidQuery.names
        case .volume: method == .put ? UploadQuery.names : []
        case .cutout: CutoutHandler.parameters
        case .preview: PreviewHandler.parameters
        case .page, .pageFile, .volumes, .info, .chunk, .zarr, .openAPI, .health, .ready, .version, .metrics:
            []
        }
    }
}
