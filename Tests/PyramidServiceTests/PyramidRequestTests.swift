// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import HTTP1
import HTTPTypes
import PyramidService
import Testing
import Voxels

private func request(
    _ query: String,
    _ fields: HTTPFields = [:],
    framing: BodyFraming = .chunked,
    limits: Configuration.Limits = Configuration.Limits()
) throws(ServiceError) -> PyramidRequest {
    try PyramidRequest(query: PyramidQuery(query), fields: fields, framing: framing, limits: limits)
}

@Test("A raw body needs shape and dtype", arguments: [("shape=4,4", "dtype"), ("dtype=uint8", "shape")])
func rawNeeds(query: String, missing: String) throws {
    let request = try request(query)
    let error = #expect(throws: ServiceError.self) { try request.rawSpec(byteCount: nil) }
    #expect(error?.detail.contains("`\(missing)`: a raw body needs it") == true)
}

@Test("A raw body of another length is refused with both counts")
func rawLength() throws {
    let request = try request("shape=4,4,4&dtype=uint16")
    #expect(try request.rawSpec(byteCount: 128).shape == Shape([4, 4, 4]))
    for count in [0, 127, 129] {
        let error = #expect(throws: ServiceError.self) { try request.rawSpec(byteCount: count) }
        #expect(error?.status == .badRequest)
        #expect(error?.detail.contains("\(count) bytes") == true && error?.detail.contains("128") == true)
    }
}

@Test("The length of a compressed body says nothing")
func compressedLength() throws {
    let request = try request("shape=4,4,4&dtype=uint16", [.contentEncoding: "gzip"])
    #expect(throws: Never.self) { try request.rawSpec(byteCount: 5) }
}

@Test("A query that contradicts the .npy header is 400", arguments: ["shape=3,2", "dtype=int8", "order=C"])
func contradictions(query: String) throws {
    let header = NpyHeader(
        type: .uint8,
        shape: try Shape([2, 3]),
        order: .fortran,
        isBigEndian: false,
        headerByteCount: 128
    )
    let request = try request(query, [.contentType: "application/x-npy"])
    let error = #expect(throws: ServiceError.self) { try request.npySpec(header, byteCount: nil) }
    #expect(error?.status == .badRequest)
    #expect(error?.detail.contains("contradicts") == true)
}

@Test("An array of one axis is in both orders")
func oneAxis() throws {
    let header = NpyHeader(
        type: .uint8,
        shape: try Shape([7]),
        order: .c,
        isBigEndian: false,
        headerByteCount: 128
    )
    let request = try request("order=F", [.contentType: "application/x-npy"])
    #expect(throws: Never.self) { try request.npySpec(header, byteCount: 135) }
}

@Test("An .npy without voxels is 400")
func emptyArray() throws {
    let header = NpyHeader(
        type: .uint8,
        shape: try Shape([7, 0]),
        order: .c,
        isBigEndian: false,
        headerByteCount: 128
    )
    let request = try request("", [.contentType: "application/x-npy"])
    let error = #expect(throws: ServiceError.self) { try request.npySpec(header, byteCount: nil) }
    #expect(error?.status == .badRequest)
}

@Test("Each limit is 413, names its key and says how much")
func limitsOfRequests() throws {
    var limits = Configuration.Limits()
    limits.voxels = 100
    limits.inflatedBytes = 150
    limits.bodyBytes = 200
    limits.mips = 2
    func limit(_ error: ServiceError?, _ words: String) -> String? {
        #expect(error?.status == .contentTooLarge)
        #expect(error?.detail.contains(words) == true, "\(error?.detail ?? "")")
        return error?.limit
    }
    let voxels = #expect(throws: ServiceError.self) {
        try request("shape=101&dtype=uint8", limits: limits).rawSpec(byteCount: nil)
    }
    #expect(limit(voxels, "101 voxels") == "limits.voxels")
    for (shape, count) in [("4503599627370496", "4503599627370496"), ("4294967296,4294967296", "or more")] {
        let excess = #expect(throws: ServiceError.self) {
            try PyramidQuery("shape=\(shape)&dtype=uint8", voxelLimit: 100)
        }
        #expect(limit(excess, "\(count) voxels, and 100 are allowed") == "limits.voxels")
    }
    let bytes = #expect(throws: ServiceError.self) {
        try request("shape=100&dtype=uint16", limits: limits).rawSpec(byteCount: nil)
    }
    #expect(limit(bytes, "200 bytes") == "limits.inflated_bytes")
    let body = #expect(throws: ServiceError.self) {
        try request("shape=100&dtype=uint8", framing: .length(201), limits: limits)
    }
    #expect(limit(body, "201 bytes") == "limits.body_bytes")
    let mips = #expect(throws: ServiceError.self) {
        let request = try request("shape=100&dtype=uint8&mips=3", limits: limits)
        _ = try request.plan(request.rawSpec(byteCount: nil))
    }
    #expect(limit(mips, "3 mips") == "limits.mips")
}

@Test("A request without a body is 400")
func noBody() {
    let error = #expect(throws: ServiceError.self) { try request("shape=1&dtype=uint8", framing: .none) }
    #expect(error?.status == .badRequest)
}

@Test("The format of the query wins over Accept, which may then be impossible")
func formatWins() throws {
    #expect(try request("format=npy", [.accept: "text/html"]).format == .npy)
    #expect(throws: ServiceError.self) { try request("", [.accept: "text/html"]) }
}
