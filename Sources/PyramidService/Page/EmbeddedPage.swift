// SPDX-License-Identifier: Apache-2.0
import CPage
package import HTTPTypes

/// The page for people: what `GET /` and `GET /page/{file}` answer, out of the program itself.
///
/// The page asks for nothing but files of this table and the service's own routes, by addresses relative to its own,
/// so that it also works below a path of a proxy.
package enum EmbeddedPage {
    /// Files by the path they are served at: `/` is the document, `/page/NAME` what it loads.
    package static let files: [String: PageFile] = {
        var files: [String: PageFile] = [:]
        for index in 0..<cpage_count() {
            let file = cpage_at(index)
            let name = String(cString: file.name)
            // The bytes are a constant of the program, `count` of them.
            let bytes = unsafe Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
            files[name == document ? "/" : "/page/\(name)"] = PageFile(
                type: String(cString: file.type),
                bytes: bytes
            )
        }
        return files
    }()

    /// The name of what is served at `/`.
    private static let document = "index.html"

    /// What the document may do (Content Security Policy Level 3): load its own files and ask its own service.
    ///
    /// `blob:` is for pictures that were fetched with a token. Trusted Types without a policy forbid to make markup of text.
    package static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        + "trusted-types 'none'"

    /// What every answer with a file of the page carries beside what all answers do.
    package static let securityFields: HTTPFields = {
        var fields: HTTPFields = [:]
        for (name, value) in [
            ("Content-Security-Policy", contentSecurityPolicy),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
            ("X-Frame-Options", "DENY"),
        ] {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return fields
    }()
}
