// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Foundation
import HTTP1
import HTTPTypes
import PyramidService
import Testing
import Voxels

@Test("Pyramid-Levels lists each sent mip with its shape")
func levelsField() throws {
    let spec = PyramidSpec(
        type: .uint8,
        shape: try Shape([1024, 1024, 100]),
        factor: try Factor([2, 2, 1]),
        mips: .count(3),
        levels: 2...3
    )
    let fields = PyramidFields.make(try PyramidPlan(spec))
    #expect(fields[.pyramidLevels] == "(2 256 256 100), (3 128 128 100)")
    #expect(fields[.pyramidDtype] == "uint8")
    #expect(fields[.pyramidOrder] == "F")
}

@Test("A problem is JSON with everything that was said, whatever stands in it")
func problemDocument() throws {
    let error = ServiceError.parameter("a\"\\\n\u{1}é", "it is wrong.")
    let body = Problem.body(error, requestID: "id-1")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    #expect(object["type"] as? String == "about:blank")
    #expect(object["title"] as? String == "Bad Request")
    #expect(object["status"] as? Int == 400)
    #expect(object["detail"] as? String == "The parameter `a\"\\\n\u{1}é`: it is wrong.")
    #expect(object["parameter"] as? String == "a\"\\\n\u{1}é")
    #expect(object["request_id"] as? String == "id-1")
}

@Test("A problem with a limit names its key")
func problemWithLimit() throws {
    let body = Problem.body(.overLimit(limit: "limits.mips", "Too many."), requestID: "x")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    #expect(object["limit"] as? String == "limits.mips")
    #expect(object["status"] as? Int == 413)
}

private func answer(_ origins: [String], origin: String?) -> (lines: String, vary: String?) {
    let policy = CORSPolicy(origins: origins)
    var lines = FieldLines()
    policy.append(to: &lines, request: origin.map { [.origin: $0] } ?? [:])
    return (String(decoding: lines.bytes, as: UTF8.self), policy.varied(by: "Accept"))
}

@Test("With * every answer may be read by every page")
func corsForAll() {
    let all = answer(["*"], origin: nil)
    #expect(all.lines.hasPrefix("Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: "))
    #expect(all.lines.contains("Pyramid-Levels"))
    #expect(all.vary == "Accept")
}

@Test("With origins only theirs may, and caches are told so")
func corsForSome() {
    let allowed = answer(["https://a.example", "https://b.example"], origin: "https://b.example")
    #expect(allowed.lines.hasPrefix("Access-Control-Allow-Origin: https://b.example\r\n"))
    #expect(allowed.vary == "Accept, Origin")
    let other = answer(["https://a.example"], origin: "https://evil.example")
    #expect(other.lines.isEmpty)
    #expect(other.vary == "Accept, Origin")
    #expect(CORSPolicy(origins: ["https://a.example"]).varied(by: nil) == "Origin")
}

@Test("Without origins nothing is said")
func corsForNobody() {
    #expect(answer([], origin: "https://a.example") == ("", "Accept"))
    #expect(CORSPolicy(origins: []).varied(by: nil) == nil)
}

@Test("A preflight from an allowed page learns methods and fields")
func preflights() {
    var fields: HTTPFields = [:]
    let request: HTTPFields = [.origin: "https://a.example", .accessControlRequestMethod: "POST"]
    CORSPolicy(origins: ["https://a.example"]).applyPreflight(
        to: &fields,
        request: request,
        allow: ["POST", "OPTIONS"]
    )
    #expect(fields[.accessControlAllowMethods] == "POST, OPTIONS")
    #expect(fields[.accessControlAllowHeaders]?.contains("Content-Encoding") == true)
    var others: HTTPFields = [:]
    CORSPolicy(origins: ["https://b.example"]).applyPreflight(to: &others, request: request, allow: ["POST"])
    #expect(others.isEmpty)
}

@Test(
    "A preflight is granted the fields it names, unless they are many or no names",
    arguments: [
        ("x-trace, traceparent", true), ("if-range", true), ("", false), ("x-trace, a b", false),
        ("x\ttrace", false), (String(repeating: "x-trace,", count: 33), false),
        ("x-trace," + String(repeating: "a", count: 600), false),
    ]
)
func preflightFields(_ asked: String, _ isGranted: Bool) {
    var fields: HTTPFields = [:]
    CORSPolicy(origins: ["*"]).applyPreflight(
        to: &fields,
        request: [.accessControlRequestMethod: "GET", .accessControlRequestHeaders: asked],
        allow: ["GET"]
    )
    let granted = (fields[.accessControlAllowHeaders] ?? "").split(separator: ", ").map(String.init)
    #expect(granted.contains("If-Range") && granted.contains("Authorization"))
    let last = granted.suffix(asked.split(separator: ", ").count).joined(separator: ", ")
    #expect((last == asked && !asked.isEmpty) == isGranted)
}

@Test("A harmless request id is taken over, any other is replaced")
func requestIDs() {
    #expect(RequestID.of([.requestID: "abc-123_XYZ.7"]) == "abc-123_XYZ.7")
    for wrong in ["", "a b", "a\"b", String(repeating: "a", count: 129), "é"] {
        let made = RequestID.of([.requestID: wrong])
        #expect(made != wrong)
        #expect(made.count == 16)
    }
    #expect(RequestID.of([:]) != RequestID.of([:]))
}
