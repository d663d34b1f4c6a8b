// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import HTTPTypes
import PyramidService
import Testing

@Test(
    "Accept chooses the format, npz where it does not care",
    arguments: [
        (nil, AnswerFormat.npz), ("", .npz), (" , ,", .npz), ("*/*", .npz), ("application/zip", .npz),
        ("application/*", .npz),
        ("application/x-npy", .npy), ("multipart/mixed", .multipart), ("multipart/*", .multipart),
        ("application/octet-stream", .raw), ("APPLICATION/X-NPY", .npy), ("text/html, */*;q=0.1", .npz),
        ("application/x-npy;q=0.5, multipart/mixed;q=0.9", .multipart), ("application/zip;q=0, */*", .npy),
        ("application/x-npy;q=0.3, application/*;q=0.2", .npy), ("application/x-npy; q=1.000", .npy),
    ]
)
func accepts(value: String?, format: AnswerFormat) throws {
    #expect(try AnswerFormat.negotiated(value.map { [.accept: $0] } ?? [:]) == format)
}

@Test(
    "An Accept that nothing satisfies is 406",
    arguments: ["text/html", "application/zip;q=0", "*/*;q=0", ";;;", "*/*;q=2"]
)
func acceptsNothing(value: String) {
    let error = #expect(throws: ServiceError.self) { try AnswerFormat.negotiated([.accept: value]) }
    #expect(error?.status == .notAcceptable)
    #expect(error?.fields[.vary] == "Accept, Accept-Encoding")
}

@Test(
    "Answers are gzipped where the client takes it and does not prefer them plain",
    arguments: [
        (nil, AnswerCoding.identity), ("gzip", .gzip), ("x-gzip", .gzip), ("GZIP", .gzip),
        ("gzip, deflate, br", .gzip),
        ("br", .identity), ("gzip;q=0", .identity), ("*", .gzip), ("*;q=0.5", .gzip), ("identity", .identity),
        ("gzip;q=0.5, identity", .identity), ("identity;q=0.5, gzip", .gzip),
        ("identity;q=0, gzip;q=0.1", .gzip),
        ("", .identity), ("br;q=1, *;q=0, identity;q=0.1", .identity),
    ]
)
func codings(value: String?, coding: AnswerCoding) throws {
    #expect(try AnswerCoding.negotiated(value.map { [.acceptEncoding: $0] } ?? [:]) == coding)
}

@Test(
    "A client that takes no coding at all gets 406",
    arguments: ["identity;q=0", "*;q=0", "gzip;q=0, identity;q=0"]
)
func noCoding(value: String) {
    let error = #expect(throws: ServiceError.self) { try AnswerCoding.negotiated([.acceptEncoding: value]) }
    #expect(error?.status == .notAcceptable)
    #expect(error?.fields[.vary] == "Accept-Encoding")
}

@Test(
    "Prefer: respond-early is found among other preferences",
    arguments: [
        ("respond-early", true), ("Respond-Early", true), ("wait=3, respond-early", true),
        ("respond-early; x=y", true), ("respond-early=\"\"", true), ("Respond-Early = \"\" ;x", true),
        ("respond-early=", true), ("respond-early=yes", false), ("respond-early=\" \"", false),
        ("=\"\", ;", false),
        ("respond-earlier", false), ("wait=3", false), ("", false),
    ]
)
func preferences(value: String, isPreferred: Bool) {
    #expect(prefersRespondEarly([.prefer: value]) == isPreferred)
}

@Test(
    "The content type says what the body is, and nothing means raw voxels",
    arguments: [
        (nil, BodyKind.raw), ("application/octet-stream", .raw), ("application/x-npy", .npy),
        ("Application/X-NPY; version=1", .npy),
    ]
)
func contentTypes(value: String?, kind: BodyKind) throws {
    #expect(try BodyKind(value.map { [.contentType: $0] } ?? [:]) == kind)
}

@Test("An unknown content type is 415 and says which are taken")
func unknownContentType() {
    let error = #expect(throws: ServiceError.self) { try BodyKind([.contentType: "image/png"]) }
    #expect(error?.status == .unsupportedMediaType)
    #expect(error?.fields[.acceptPost] == "application/octet-stream, application/x-npy")
}

@Test(
    "One content coding is taken",
    arguments: [
        (nil, ContentCoding.identity), ("gzip", .gzip), ("x-gzip", .gzip), ("GZip", .gzip),
        ("deflate", .deflate),
        ("identity", .identity), ("", .identity),
    ]
)
func contentCodings(value: String?, coding: ContentCoding) throws {
    #expect(try ContentCoding(value.map { [.contentEncoding: $0] } ?? [:]) == coding)
}

@Test(
    "Other content codings, and two on one another, are 415",
    arguments: ["br", "gzip, gzip", "gzip;q=1", "zstd"]
)
func unknownContentCodings(value: String) {
    let error = #expect(throws: ServiceError.self) { try ContentCoding([.contentEncoding: value]) }
    #expect(error?.status == .unsupportedMediaType)
    #expect(error?.fields[.acceptEncoding] == "gzip, x-gzip, deflate, identity")
}
