// SPDX-License-Identifier: Apache-2.0
import HTTP1

/// The query of a GET, of which only known parameters may be there; `access_token` is looked at before.
struct QueryParameters {
    private let parameters: [(name: String, value: String)]

    /// - Throws: ``ServiceError/parameter(_:_:)`` for a query that cannot be taken apart.
    init(_ head: RequestHead) throws(ServiceError) {
        parameters = try QueryString(head.target.query).parameters.filter { $0.name != "access_token" }
    }

    subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// - Throws: ``ServiceError/parameter(_:_:)`` for the first parameter of another name.
    func allowOnly(_ names: [String]) throws(ServiceError) {
        guard let other = parameters.first(where: { !names.contains($0.name) }) else { return }
        let allowed = names.isEmpty ? "there is none" : "allowed: " + names.joined(separator: ", ")
        throw .parameter(shortened(other.name), "there is none of this name here; \(allowed).")
    }
}
