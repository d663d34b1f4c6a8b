// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@Suite struct NpyHeaderParserTests {
    static let plain = "{'descr': '<u2', 'fortran_order': True, 'shape': (512, 512, 100), }"

    @Test("A header is read whole and split at each byte, and no voxel is taken")
    func split() throws {
        let bytes = npy(Self.plain)
        for piece in 1...bytes.count {
            let (header, consumed) = try parse(bytes + [7, 7, 7], piece: piece)
            #expect(consumed == bytes.count)
            #expect(header.type == .uint16)
            #expect(header.shape.sizes == [512, 512, 100])
            #expect(header.order == .fortran)
            #expect(!header.isBigEndian)
            #expect(header.headerByteCount == bytes.count)
        }
    }

    @Test("Versions 1.0, 2.0 and 3.0 are read", arguments: [1, 2, 3] as [UInt8])
    func versions(version: UInt8) throws {
        let bytes = npy(Self.plain, version: version)
        #expect(try parse(bytes).0.headerByteCount == bytes.count)
    }

    @Test(
        "Keys come in any order, with any white space, quotes and commas that Python allows",
        arguments: [
            "{'shape': (3, 4), 'fortran_order': False, 'descr': '<i4'}",
            "{\"descr\":\"<i4\",\"fortran_order\":False,\"shape\":(3,4,)}",
            "  {\t'descr' : '<i4' ,\n 'fortran_order' : False , 'shape' : ( 3 , 4 ) , } \r\n",
            "{'descr': '<i4', 'fortran_order': False, 'shape': (3L, 4L), }",
        ]
    )
    func variations(dictionary: String) throws {
        let header = try parse(npy(dictionary)).0
        #expect(header.type == .int32)
        #expect(header.shape.sizes == [3, 4])
        #expect(header.order == .c)
    }

    @Test(
        "Type strings name a byte order and a voxel",
        arguments: [
            ("<u2", .uint16, false), (">u2", .uint16, true), ("=u2", .uint16, false), ("u2", .uint16, false),
            (">f4", .float32, true), ("<f8", .float64, false), ("|u1", .uint8, false), (">u1", .uint8, false),
            ("|i1", .int8, false), ("|b1", .bool, false), (">i2", .int16, true), (">i4", .int32, true),
            ("=i8", .int64, false), ("<u4", .uint32, false), (">u8", .uint64, true),
        ] as [(String, VoxelType, Bool)]
    )
    func types(descr: String, type: VoxelType, isBigEndian: Bool) throws {
        let header = try parse(npy("{'descr': '\(descr)', 'fortran_order': False, 'shape': (3,), }")).0
        #expect(header.type == type)
        #expect(header.isBigEndian == isBigEndian)
    }

    @Test(
        "Objects, text, complex, half and dated types are refused by name",
        arguments: [
            "|O", "<U5", "|S3", "<c8", "<f2", "<f16", "<M8[ns]", "|V4", "|u2", "<b2", "", "<", "u3", "!u2",
        ]
    )
    func otherTypes(descr: String) {
        let error = refusal("{'descr': '\(descr)', 'fortran_order': False, 'shape': (3,), }")
        #expect(error == .unsupportedType(descr))
        #expect(error?.message.contains("u1, u2, u4, u8") == true)
    }

    @Test("Structured types are refused")
    func structured() {
        let dictionary = "{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (3,), }"
        #expect(refusal(dictionary) == .structuredType)
    }

    @Test("Unknown, repeated and missing keys are refused")
    func keys() {
        #expect(refusal("{'descr': '<u2', 'order': 'F'}") == .unknownKey("order"))
        #expect(refusal("{'descr': '<u2', 'descr': '<u2'}") == .repeatedKey("descr"))
        #expect(refusal("{'shape': (1,), 'shape': (1,)}") == .repeatedKey("shape"))
        #expect(refusal("{'fortran_order': True, 'fortran_order': True}") == .repeatedKey("fortran_order"))
        #expect(refusal("{}") == .missingKey("descr"))
        #expect(refusal("{'descr': '<u2', 'shape': (1,)}") == .missingKey("fortran_order"))
        #expect(refusal("{'descr': '<u2', 'fortran_order': True}") == .missingKey("shape"))
    }

    @Test("Arrays have 1 to 5 axes and fewer than 2^52 voxels")
    func axes() {
        func shape(_ tuple: String) -> NpyError? {
            refusal("{'descr': '<u2', 'fortran_order': False, 'shape': \(tuple), }")
        }
        #expect(shape("()") == .badShape(.axisCount(0)))
        #expect(shape("(1, 1, 1, 1, 1, 1)") == .badShape(.axisCount(6)))
        #expect(shape("(1, 1, 1, 1, 1, 1, 1, 1)") == .badShape(.axisCount(6)))
        let number = shape("(9223372036854775808,)")
        #expect(number?.message.hasSuffix("expected a whole number up to 9223372036854775807") == true)
        #expect(shape("(9223372036854775807,)") == .badShape(.tooLarge(voxelCount: .max)))
        #expect(shape("(4294967296, 4194304)") == .badShape(.tooLarge(voxelCount: 1 << 54)))
        #expect(shape("(4294967296, 4294967296)") == .badShape(.tooLarge(voxelCount: .max)))
        #expect(shape("(0,)") == nil)
    }

    @Test(
        "What is no such literal is refused",
        arguments: [
            "", "{", "}", "(3,)", "{'descr': '<u2'", "{'descr' '<u2'}", "{descr: '<u2'}", "{'descr': <u2}",
            "{'descr': '<u2\"}", "{'descr': '<\\u2'}", "{'shape': (3)}", "{'shape': 3}", "{'shape': [3]}",
            "{'shape': (-3,)}", "{'shape': (3.0,)}", "{'shape': (03,)}", "{'shape': (0x3,)}",
            "{'shape': (,)}",
            "{'shape': (3,,)}", "{'shape': (3 4)}", "{'shape': (L,)}", "{'fortran_order': 1}",
            "{'fortran_order': true}", "{'fortran_order': Truely}", "{,}", "{'shape': (3,),,}",
            "{'descr': '<u2', 'fortran_order': True, 'shape': (3,), } x", "{'d\u{e9}scr': '<u2'}",
        ]
    )
    func malformed(dictionary: String) {
        guard case .malformed = refusal(dictionary) else {
            Issue.record("\(dictionary): \(String(describing: refusal(dictionary)))")
            return
        }
    }

    @Test("Another magic is refused at its first wrong byte")
    func magic() {
        for index in 0..<6 {
            var bytes = Array(npy(Self.plain).prefix(index + 1))
            bytes[index] ^= 0x20
            #expect(throws: NpyError.notNpy) { try parse(bytes) }
        }
    }

    @Test(
        "Other versions are refused",
        arguments: [(0, 0), (1, 1), (2, 1), (4, 0), (255, 255)] as [(UInt8, UInt8)]
    )
    func otherVersions(major: UInt8, minor: UInt8) {
        var bytes = npy(Self.plain)
        bytes[6] = major
        bytes[7] = minor
        #expect(throws: NpyError.unsupportedVersion(major: major, minor: minor)) { try parse(bytes) }
    }

    @Test("A header of 64 KiB is read, a longer one is refused before its first byte")
    func longHeader() throws {
        let prefix = Array(npy(Self.plain, version: 2).prefix(8))
        let text = Array(Self.plain.utf8) + Array(repeating: 0x20, count: 65_536 - Self.plain.utf8.count)
        #expect(try parse(prefix + [0, 0, 1, 0] + text).0.headerByteCount == 65_548)
        let error = NpyError.headerTooLong(65_537, limit: 65_536)
        #expect(throws: error) { try parse(prefix + [1, 0, 1, 0]) }
        #expect(throws: NpyError.headerTooLong(0xFFFF_FFFF, limit: 65_536)) {
            try parse(prefix + [255, 255, 255, 255])
        }
    }

    @Test("A stream that ends inside the header is truncated, wherever it ends")
    func truncated() {
        let bytes = npy(Self.plain)
        for count in bytes.indices {
            #expect(throws: NpyError.truncated(received: count)) { try parse(Array(bytes[..<count])) }
        }
    }

    @Test("Changed headers are read or refused, nothing else, and alike in pieces and whole")
    func mutations() {
        var random = SeededRandom(seed: 20_260_101)
        let seeds = [
            npy(Self.plain), npy(Self.plain, version: 2),
            npy("{\"shape\": (3L, 4,), 'fortran_order': False, 'descr': '>f4'}", version: 3),
        ]
        var successes = 0
        for round in 0..<20_000 {
            let bytes = seeds[round % seeds.count].mutated(using: &random)
            let whole = Result { () throws(NpyError) in try parse(bytes).0 }
            let pieces = Result { () throws(NpyError) in try parse(bytes, piece: 1 + round % 7).0 }
            #expect(whole == pieces, "round \(round)")
            switch whole {
            case .success(let header):
                successes += 1
                #expect(header.headerByteCount <= bytes.count, "round \(round)")
            case .failure(let error):
                #expect(!error.message.isEmpty)
            }
        }
        #expect(successes > 100)
        #expect(successes < 19_000)
    }
}
