// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import HTTPTypes
import PyramidService
import Testing
import Voxels

@Test("No query means the defaults", arguments: [nil, ""])
func defaultQuery(text: String?) throws {
    let query = try PyramidQuery(text)
    #expect(query.method == .average)
    #expect(query.precision == .compat)
    #expect(query.factor == (try Factor([2, 2, 1])))
    #expect(query.mips == .count(1))
    #expect(!query.sparse)
    #expect(query.shape == nil && query.type == nil && query.order == nil)
    #expect(query.levels == nil && query.format == nil)
}

@Test("Every parameter is read")
func fullQuery() throws {
    let text =
        "method=mode&precision=exact&factor=2,2,2&mips=all&sparse=true&shape=5,4,3&dtype=uint64&order=C&levels=2-5"
        + "&format=raw"
    let query = try PyramidQuery(text)
    #expect(query.method == .mode)
    #expect(query.precision == .exact)
    #expect(query.factor == (try Factor([2, 2, 2])))
    #expect(query.mips == .all)
    #expect(query.sparse)
    #expect(query.shape == (try Shape([5, 4, 3])))
    #expect(query.type == .uint64)
    #expect(query.order == .c)
    #expect(query.levels == 2...5)
    #expect(query.format == .raw)
}

@Test("Percent-encoding is taken off once, from names and values")
func percentEncoding() throws {
    #expect(try PyramidQuery("%6Dips=%33&factor=2%2c2").mips == .count(3))
    #expect(throws: ServiceError.self) { try PyramidQuery("mips=%2533") }
}

@Test("A plus sign is a plus sign, not a space")
func plusSign() {
    let error = #expect(throws: ServiceError.self) { try PyramidQuery("mips=+3") }
    #expect(error?.detail.contains("it cannot be +3") == true)
}

@Test(
    "A parameter that is wrong is named, with what is allowed",
    arguments: [
        ("mip=2", "mip", "there is none of this name; allowed: method, precision, factor, mips"),
        ("mips=1&mips=1", "mips", "twice"),
        ("mips=", "mips", "no value"),
        ("mips", "mips", "no value"),
        ("=3", "=3", "no name"),
        ("mips=1&", "", "no name"),
        ("mips=%3", "mips", "percent-encoded"),
        ("m%00=1", "m%00", "control characters"),
        ("method=%ff", "method", "UTF-8"),
        ("method=Average", "method", "allowed: average, mode, min, max, median, stride"),
        ("mips=0", "mips", "1 to 32, or all"),
        ("mips=33", "mips", "1 to 32, or all"),
        ("mips=18446744073709551617", "mips", "1 to 32"),
        ("factor=0,2", "factor", "whole numbers from 1"),
        ("factor=1.5", "factor", "whole numbers from 1"),
        ("factor=9223372036854775808", "factor", "whole numbers from 1 to 9223372036854775807"),
        ("factor=2,2,", "factor", "whole numbers from 1"),
        ("factor=1,1,1,1,1,1", "factor", "1 to 5"),
        ("shape=0,1", "shape", "whole numbers from 1"),
        ("shape=9223372036854775808", "shape", "whole numbers from 1"),
        ("shape=4294967296,4294967296", "shape", "2^52 voxels"),
        ("shape=1,1,1,1,1,1", "shape", "1 to 5"),
        ("dtype=bool", "dtype", "uint8, uint16"),
        ("order=f", "order", "F, C"),
        ("sparse=1", "sparse", "true, false"),
        ("levels=5-2", "levels", "a range as 2-5"),
        ("levels=0", "levels", "from 1 to 32"),
        ("levels=1-2-3", "levels", "a range"),
        ("levels=-1", "levels", "a range"),
        ("format=tiff", "format", "npz, npy, multipart, raw"),
    ]
)
func refusedQueries(text: String, name: String, words: String) {
    let error = #expect(throws: ServiceError.self) { try PyramidQuery(text) }
    guard case .parameter(let named, let what) = error else {
        Issue.record("\(String(describing: error))")
        return
    }
    #expect(named == name)
    #expect(what.contains(words))
    #expect(error?.status == .badRequest)
}

@Test("Long input is not repeated at length")
func longInput() {
    let error = #expect(throws: ServiceError.self) {
        try PyramidQuery("method=" + String(repeating: "a", count: 5_000))
    }
    #expect((error?.detail.utf8.count ?? .max) < 300)
}
