// SPDX-License-Identifier: Apache-2.0
package import HTTPTypes

extension HTTPField.Name {
    package static let pyramidDtype = known("Pyramid-Dtype")
    package static let pyramidOrder = known("Pyramid-Order")
    package static let pyramidLevels = known("Pyramid-Levels")
    package static let pyramidShape = known("Pyramid-Shape")
    static let fetchSite = known("Sec-Fetch-Site")
    static let forwardedProto = known("X-Forwarded-Proto")
    package static let acceptPost = known("Accept-Post")
    package static let prefer = known("Prefer")
    package static let preferenceApplied = known("Preference-Applied")
    package static let requestID = known("X-Request-Id")
    package static let serverTiming = known("Server-Timing")

    /// The texts above are tokens: a name that is not is our mistake, found by the first test.
    private static func known(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no field name") }
        return name
    }
}
