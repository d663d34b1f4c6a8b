// SPDX-License-Identifier: Apache-2.0
import HTTP1
import HTTPServer

/// Serves the page for people and what it loads.
struct PageHandler {
    let transaction: Transaction

    /// Sends the file at `/`, or `/page/NAME`.
    func answer(_ path: String) async throws {
        guard let file = EmbeddedPage.files[path] else {
            throw ServiceError.notFound("The page has no file \(shortened(path)).")
        }
        let answer = RepresentationAnswer(
            transaction: transaction,
            contentType: file.type,
            isCompressible: false,
            fields: FieldLines(EmbeddedPage.securityFields)
        )
        try await answer.send(file.bytes, .identity, tag: file.etag)
    }
}
