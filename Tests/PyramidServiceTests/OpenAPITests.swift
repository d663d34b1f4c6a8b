// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import PyramidService
import Testing
import Volumes

/// The object at `path` of the document.
private func members(_ path: String...) throws -> [String: JSONValue] {
    var value = OpenAPIDocument.value
    for name in path {
        guard case .object(let members) = value else { break }
        value = try #require(members[name], "no \(name) of \(path)")
    }
    guard case .object(let members) = value else {
        Issue.record("\(path) is no object")
        return [:]
    }
    return members
}

/// The names of an operation's parameters in one place.
private func names(_ route: Route, _ method: String, in place: String) throws -> Set<String> {
    guard case .array(let parameters)? = try members("paths", route.rawValue, method)["parameters"] else {
        return []
    }
    let names = parameters.compactMap { parameter -> String? in
        guard case .object(let members) = parameter, members["in"]?.text == place else { return nil }
        return members["name"]?.text
    }
    #expect(Set(names).count == names.count, "one stands there twice: \(names)")
    return Set(names)
}

@Test("Every route and every method but OPTIONS is in the OpenAPI document, and nothing else is")
func everyRouteIsDescribed() throws {
    #expect(try Set(members("paths").keys) == Set(Route.allCases.map(\.rawValue)))
    for route in Route.allCases {
        let methods = route.methods.filter { $0 != .options }.map { $0.rawValue.lowercased() }
        #expect(try Set(members("paths", route.rawValue).keys) == Set(methods))
    }
}

/// The default of a query parameter; nil: it has none.
private func defaultText(_ route: Route, _ method: String, _ name: String) throws -> String? {
    guard case .array(let parameters)? = try members("paths", route.rawValue, method)["parameters"] else {
        return nil
    }
    for case .object(let members) in parameters where members["name"]?.text == name {
        if case .object(let schema)? = members["schema"] { return schema["default"]?.text }
    }
    return nil
}

@Test("The OpenAPI document has the default of `method`, which an upload takes from the kind of its voxels")
func methodHasItsDefault() throws {
    #expect(try defaultText(.pyramid, "post", "method") == "average")
    #expect(try defaultText(.volume, "put", "method") == nil)
}

@Test("Every query parameter that a route takes is in the OpenAPI document, and no other")
func everyQueryParameterIsDescribed() throws {
    for route in Route.allCases {
        for method in route.methods where method != .options {
            let described = try names(route, method.rawValue.lowercased(), in: "query")
            #expect(described == Set(route.queryParameters(method)), "\(method) \(route.rawValue)")
        }
    }
}

@Test(
    "What a template of a route leaves open is a path parameter of each of its operations",
    arguments: Route.allCases
)
func everyPathParameterIsDescribed(route: Route) throws {
    let open = Set(
        route.rawValue.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            String($0.dropFirst().dropLast())
        }
    )
    for method in try members("paths", route.rawValue).keys {
        #expect(try names(route, method, in: "path") == open, "\(method)")
    }
}

@Test("Every operation of the OpenAPI document has a name of its own")
func operationNamesAreUnique() throws {
    var seen: Set<String> = []
    for route in Route.allCases {
        for method in try members("paths", route.rawValue).keys {
            let id = try #require(try members("paths", route.rawValue, method)["operationId"]?.text)
            #expect(seen.insert(id).inserted, "\(id) stands there twice")
        }
    }
}

@Test("Every status that an error can have has an answer in the OpenAPI document")
func everyErrorIsDescribed() throws {
    let errors: [ServiceError] = [
        .parameter("", ""), .field("", ""), .body(""), .unauthorized(""), .forbidden(""), .notFound(""),
        .methodNotAllowed("", allow: []), .notAcceptable("", vary: nil), .conflict(""),
        .preconditionFailed(""),
        .rangeNotSatisfiable(count: 0), .badGateway(""), .gatewayTimeout(""), .noStorage(""),
        .overLimit(limit: "", ""), .mediaType(""), .contentCoding(""), .overloaded(limit: "", ""), .draining,
        .outOfMemory(0), .internalFault(""),
    ]
    let answers = try members("components", "responses")
    for error in errors {
        let described = try #require(DescribedError(rawValue: error.status.code), "\(error)")
        #expect(answers["\(described)"] != nil)
    }
}

/// The expression of a query parameter.
private func pattern(_ route: Route, _ method: String, _ name: String) throws -> String {
    guard case .array(let parameters)? = try members("paths", route.rawValue, method)["parameters"] else {
        return ""
    }
    for case .object(let members) in parameters where members["name"]?.text == name {
        if case .object(let schema)? = members["schema"] { return schema["pattern"]?.text ?? "" }
    }
    return ""
}

@Test(
    "The OpenAPI document takes the factors and shapes that are taken, and no others",
    arguments: [
        ("1", true), ("0", false), ("007", true), ("2,2,1", true), ("1,1,1,1,1,1", false), ("2,", false),
        ("999999999999999", true), ("1000000000000000", true), ("8999999999999999999", true),
        ("9223372036854775799", true), ("9223372036854775806,1", true), ("9223372036854775807", true),
        ("9223372036854775808", false), ("9223372036854775810", false), ("9300000000000000000", false),
        ("10000000000000000000", false), ("1,00009223372036854775807", true),
    ],
    ["factor", "shape"]
)
func numbersAreDescribed(sample: (text: String, isTaken: Bool), name: String) throws {
    let expression = try Regex(try pattern(.pyramid, "post", name))
    #expect(try (expression.wholeMatch(in: sample.text) != nil) == sample.isTaken)
    do throws(ServiceError) {
        _ = try PyramidQuery("\(name)=\(sample.text)")
        #expect(sample.isTaken)
    } catch {
        // More voxels than an array can have is another matter.
        #expect(!sample.isTaken || error.detail.contains("2^52 voxels"), "\(error.detail)")
    }
}

@Test("The OpenAPI document is JSON that reads back the same")
func documentReadsBack() throws {
    #expect(try JSONValue(parsing: OpenAPIDocument.bytes, limit: 1 << 20) == OpenAPIDocument.value)
}
