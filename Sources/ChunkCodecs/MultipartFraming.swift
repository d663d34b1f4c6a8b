// SPDX-License-Identifier: Apache-2.0

/// What stands between the parts of a `multipart/mixed` body (RFC 2046 §5.1).
package struct MultipartFraming: Sendable, Hashable {
    /// 11 fixed and 32 random characters, all of them safe without quotes.
    ///
    /// Voxels are not searched for the boundary: that 160 random bits occur in them by chance is out of the
    /// question, and nobody can know them before the answer begins.
    package let boundary: String

    package init(using random: inout some RandomNumberGenerator) {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
        boundary = "pyramidion-" + String((0..<32).map { _ in alphabet[Int(random.next() & 31)] })
    }

    package init() {
        var random = SystemRandomNumberGenerator()
        self.init(using: &random)
    }

    /// The value of the answer's `Content-Type`.
    package var contentType: String { "multipart/mixed; boundary=\(boundary)" }

    /// The bytes before a part's content.
    package func partHeader(isFirst: Bool, fileName: String, contentType: String, byteCount: Int) -> [UInt8] {
        let head = """
            --\(boundary)\r
            Content-Type: \(contentType)\r
            Content-Length: \(byteCount)\r
            Content-Disposition: attachment; filename="\(fileName)"\r
            \r

            """
        return Array((isFirst ? head : "\r\n" + head).utf8)
    }

    /// The bytes behind the last part.
    package var end: [UInt8] { Array("\r\n--\(boundary)--\r\n".utf8) }
}
