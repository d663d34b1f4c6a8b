// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Testing

@Suite struct BodyInflaterTests {
    static let small: [UInt8] = Array("slabs, slabs, slabs".utf8)

    @Test("Bodies in gzip and zlib format are inflated", arguments: DeflateBackend.allCases)
    func whole(backend: DeflateBackend) throws {
        for content in contents() {
            #expect(try inflated(gzip(content), .gzip, backend) == content)
            #expect(try inflated(zlibStream(content), .deflate, backend) == content)
        }
    }

    @Test(
        "Pieces of any size inflate to the same bytes",
        arguments: DeflateBackend.allCases,
        [(1, 1 << 16), (3, 7), (1 << 16, 1), (1, 1), (1000, 33_000), (65_536, 65_536), (.max, 1 << 20)]
    )
    func pieces(backend: DeflateBackend, sizes: (input: Int, output: Int)) throws {
        for content in contents() {
            for (body, coding) in [(gzip(content), BodyCoding.gzip), (zlibStream(content), .deflate)] {
                let result = try inflated(
                    body,
                    coding,
                    backend,
                    inputPiece: sizes.input,
                    outputPiece: sizes.output
                )
                #expect(result == content)
            }
        }
    }

    @Test("A body is the same split at each of its bytes", arguments: DeflateBackend.allCases)
    func split(backend: DeflateBackend) throws {
        let body = gzip(Self.small) + member(Self.small, flags: 0) + gzip([]) + gzip(Self.small)
        for index in body.indices {
            let inflater = try BodyInflater(.gzip, backend: backend)
            var output = [UInt8](repeating: 0, count: 200)
            let first = try run(inflater, body[..<index], &output)
            var result = output[..<first.produced]
            #expect(first.consumed == index)
            let second = try run(inflater, body[index...], &output)
            result += output[..<second.produced]
            #expect(Array(result) == Self.small + Self.small + Self.small)
            #expect(second.state == .ended)
            try inflater.finish()
        }
    }

    @Test("Several gzip members are one body", arguments: DeflateBackend.allCases)
    func members(backend: DeflateBackend) throws {
        let all = contents()
        for piece in [1, 11, Int.max] {
            let body = all.flatMap { gzip($0) }
            #expect(try inflated(body, .gzip, backend, inputPiece: piece) == all.flatMap { $0 })
        }
        let many = Array(repeating: gzip([]), count: 1000).flatMap { $0 }
        #expect(try inflated(many, .gzip, backend) == [])
    }

    @Test("Optional header fields are skipped and their checksum holds", arguments: DeflateBackend.allCases)
    func headerFields(backend: DeflateBackend) throws {
        for flags in UInt8(0)..<32 {
            let body = member(Self.small, flags: flags, extra: [9, 8, 7], name: [65, 66], comment: [67])
            for piece in [1, 5, Int.max] {
                #expect(try inflated(body, .gzip, backend, inputPiece: piece) == Self.small)
            }
            let bare = member(Self.small, flags: flags)
            #expect(try inflated(bare, .gzip, backend) == Self.small)
            guard flags & 2 != 0 else { continue }
            var wrong = body
            wrong[5] ^= 1
            #expect(refusal(wrong, .gzip, backend) == .headerChecksumMismatch)
        }
    }

    @Test("Header fields longer than 64 KiB are refused", arguments: DeflateBackend.allCases)
    func longFields(backend: DeflateBackend) throws {
        let longest = [UInt8](repeating: 65, count: 65_535)
        let body = member(Self.small, flags: 8 | 16, name: longest, comment: longest)
        #expect(try inflated(body, .gzip, backend) == Self.small)
        let tooLong = InflateError.headerTooLong(limit: 65_536)
        #expect(refusal(member(Self.small, flags: 8, name: longest + [65, 65]), .gzip, backend) == tooLong)
        #expect(
            refusal(member(Self.small, flags: 16, comment: longest + [65, 65]), .gzip, backend) == tooLong
        )
    }

    @Test("What is not gzip is refused", arguments: DeflateBackend.allCases)
    func notGzip(backend: DeflateBackend) {
        #expect(refusal([0x1E], .gzip, backend) == .notGzip)
        #expect(refusal([0x1F, 0x8A], .gzip, backend) == .notGzip)
        #expect(refusal(zlibStream(Self.small), .gzip, backend) == .notGzip)
        #expect(refusal([0x1F, 0x8B, 7], .gzip, backend) == .unsupportedMethod(7))
        for flags in [0x20, 0x40, 0x80, 0xE0] as [UInt8] {
            #expect(refusal(member(Self.small, flags: flags), .gzip, backend) == .reservedFlags(flags))
        }
    }

    @Test("What is not zlib is refused", arguments: DeflateBackend.allCases)
    func notZlib(backend: DeflateBackend) {
        #expect(refusal([0x78, 0x02], .deflate, backend) == .notZlib)
        #expect(refusal(gzip(Self.small), .deflate, backend) == .notZlib)
        #expect(refusal([0x88, 0x1C], .deflate, backend) == .notZlib)
        #expect(refusal([0x79, 0x18], .deflate, backend) == .unsupportedMethod(9))
        #expect(refusal([0x78, 0x20], .deflate, backend) == .presetDictionary)
    }

    @Test("Checksums and lengths that do not match are refused", arguments: DeflateBackend.allCases)
    func trailers(backend: DeflateBackend) {
        let crc = CRC32.update(0, Self.small)
        for index in 0..<4 {
            var body = gzip(Self.small)
            body[body.count - 8 + index] ^= 0x10
            let stored = crc ^ 0x10 << UInt32(8 * index)
            #expect(refusal(body, .gzip, backend) == .checksumMismatch(stored: stored, computed: crc))

            body = gzip(Self.small)
            body[body.count - 4 + index] ^= 0x10
            let length = UInt32(Self.small.count)
            let wrong = length ^ 0x10 << UInt32(8 * index)
            #expect(refusal(body, .gzip, backend) == .lengthMismatch(stored: wrong, computed: length))

            body = zlibStream(Self.small)
            body[body.count - 4 + index] ^= 0x10
            guard case .checksumMismatch = refusal(body, .deflate, backend) else {
                Issue.record("Adler-32 is not checked")
                return
            }
        }
    }

    @Test(
        "Bytes behind the end are refused unless they are a gzip member",
        arguments: DeflateBackend.allCases
    )
    func trailingBytes(backend: DeflateBackend) {
        for garbage in [[0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0x1F, 0], Array("trailer".utf8)] as [[UInt8]] {
            #expect(refusal(gzip(Self.small) + garbage, .gzip, backend) == .trailingBytes)
            #expect(refusal(zlibStream(Self.small) + garbage, .deflate, backend) == .trailingBytes)
        }
        #expect(refusal(zlibStream(Self.small) + zlibStream([]), .deflate, backend) == .trailingBytes)
        #expect(refusal(gzip(Self.small) + [0x1F], .gzip, backend) == .truncated)
    }

    @Test("A body that ends early is truncated, wherever it ends", arguments: DeflateBackend.allCases)
    func truncated(backend: DeflateBackend) {
        let content = contents()[2]
        let body = member(content, flags: 31, extra: [1], name: [2], comment: [3])
        for count in 0..<body.count { #expect(refusal(Array(body[..<count]), .gzip, backend) == .truncated) }
        let two = gzip(content) + gzip(content)
        for count in (two.count / 2 + 1)..<two.count {
            #expect(refusal(Array(two[..<count]), .gzip, backend) == .truncated)
        }
        let zlib = zlibStream(content)
        for count in zlib.indices { #expect(refusal(Array(zlib[..<count]), .deflate, backend) == .truncated) }
    }

    @Test("After an error every call throws it again", arguments: DeflateBackend.allCases)
    func stickyError(backend: DeflateBackend) throws {
        let inflater = try BodyInflater(.gzip, backend: backend)
        var output = [UInt8](repeating: 0, count: 100)
        #expect(throws: InflateError.notGzip) { try run(inflater, [0], &output) }
        #expect(throws: InflateError.notGzip) { try run(inflater, gzip(Self.small)[...], &output) }
        #expect(throws: InflateError.notGzip) { try inflater.finish() }
    }

    @Test(
        "The end is expected: the trailer is taken, one byte more of content is refused",
        arguments: DeflateBackend.allCases
    )
    func expectedEnd(backend: DeflateBackend) throws {
        for content in contents() where !content.isEmpty {
            let body = gzip(content)
            for missing in [0, 1] {
                let inflater = try BodyInflater(.gzip, backend: backend)
                var output = [UInt8](repeating: 0, count: content.count - missing + 2)
                let progress = try run(inflater, body[...], &output)
                #expect(progress.produced == content.count - missing)
                #expect(Array(output.dropLast(2)) == Array(content.dropLast(missing)))
                let rest = body[progress.consumed...]
                if missing == 0 {
                    try rest.withUnsafeBytes { try inflater.expectEnd($0) }
                    try inflater.finish()
                } else {
                    #expect(throws: InflateError.longerThanExpected) {
                        try rest.withUnsafeBytes { try inflater.expectEnd($0) }
                    }
                    #expect(throws: InflateError.longerThanExpected) { try inflater.finish() }
                }
            }
        }
    }

    @Test(
        "A small body that inflates a thousandfold fills no more than the output given",
        arguments: DeflateBackend.allCases
    )
    func bomb(backend: DeflateBackend) throws {
        let body = gzip(Array(repeating: 0, count: 10_000_000))
        #expect(body.count < 100_000)
        #expect(throws: InflateError.longerThanExpected) {
            try inflated(body, .gzip, backend, outputPiece: 4096, limit: 1_000_000)
        }
    }

    @Test(
        "Changed bodies are inflated or refused, nothing else, and both libraries agree on what they inflate"
    )
    func mutations() {
        var random = SeededRandom(seed: 20_260_102)
        let slopes = Array(contents(seed: 3)[4].prefix(2000))
        let seeds: [([UInt8], BodyCoding)] = [
            (gzip(Self.small), .gzip), (gzip(slopes), .gzip), (gzip(slopes) + gzip(Self.small), .gzip),
            (member(Self.small, flags: 31, extra: [1, 2], name: [3], comment: [4]), .gzip),
            (zlibStream(slopes), .deflate), (zlibStream(Self.small), .deflate),
        ]
        var refused = 0
        for round in 0..<12_000 {
            let (seed, coding) = seeds[round % seeds.count]
            let body = seed.mutated(using: &random)
            let results = DeflateBackend.allCases.map { backend in
                Result { () throws(InflateError) in
                    try inflated(
                        body,
                        coding,
                        backend,
                        inputPiece: round % 3 == 0 ? 5 : .max,
                        outputPiece: 1 + round % 977,
                        limit: 1 << 20
                    )
                }
            }
            let successes = results.compactMap { try? $0.get() }
            #expect(successes.allSatisfy { $0 == successes.first }, "round \(round)")
            for case .failure(let error) in results {
                refused += 1
                #expect(!error.message.isEmpty)
            }
        }
        #expect(refused > 1000)
    }

    @Test("Changes inside of deflate data are found, or caught by the checksum")
    func deflateMutations() {
        var random = SeededRandom(seed: 20_260_103)
        let content = Array(contents(seed: 4)[4].prefix(5000))
        let body = gzip(content)
        for round in 0..<6000 {
            let data = Array(body[10..<(body.count - 8)]).mutated(using: &random)
            let changed = body[..<10] + data + body[(body.count - 8)...]
            for backend in DeflateBackend.allCases {
                guard let result = try? inflated(Array(changed), .gzip, backend, limit: 1 << 20) else {
                    continue
                }
                #expect(result == content, "round \(round)")
            }
        }
    }
}
