// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@Suite struct NpyHeaderTests {
    /// What `numpy.save` wrote (version 2.4): the dictionary, before its padding.
    static let written: [(VoxelType, [Int], MemoryOrder, String)] = [
        (
            .uint16, [512, 512, 100], .fortran,
            "{'descr': '<u2', 'fortran_order': True, 'shape': (512, 512, 100), }"
        ),
        (.uint8, [7], .fortran, "{'descr': '|u1', 'fortran_order': False, 'shape': (7,), }"),
        (.float64, [3, 4], .c, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }"),
        (
            .bool, [5, 1, 2, 3, 4], .fortran,
            "{'descr': '|b1', 'fortran_order': True, 'shape': (5, 1, 2, 3, 4), }"
        ),
        (
            .int32, [250, 250, 250], .c,
            "{'descr': '<i4', 'fortran_order': False, 'shape': (250, 250, 250), }"
        ),
        (.uint64, [0, 3], .c, "{'descr': '<u8', 'fortran_order': False, 'shape': (0, 3), }"),
    ]

    @Test("Headers are written byte for byte as numpy writes them", arguments: written)
    func asNumpy(type: VoxelType, sizes: [Int], order: MemoryOrder, dictionary: String) throws {
        let bytes = NpyHeader.encoded(type: type, shape: try Shape(sizes), order: order)
        #expect(bytes.count == 128)
        #expect(Array(bytes.prefix(10)) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0])
        let padding = String(repeating: " ", count: 117 - dictionary.utf8.count)
        #expect(String(decoding: bytes.dropFirst(10), as: UTF8.self) == dictionary + padding + "\n")
    }

    @Test("A header that is written is read again", arguments: VoxelType.allCases, MemoryOrder.allCases)
    func roundTrip(type: VoxelType, order: MemoryOrder) throws {
        for sizes in [[1, 1], [2, 0, 4], [1_000_000_000_000, 1, 7], [1, 2, 3, 4, 5]] {
            let shape = try Shape(sizes)
            let bytes = NpyHeader.encoded(type: type, shape: shape, order: order)
            let (header, consumed) = try parse(bytes + [1, 2, 3])
            #expect(bytes.count % 64 == 0)
            #expect(consumed == bytes.count)
            #expect(
                header
                    == NpyHeader(
                        type: type,
                        shape: shape,
                        order: order,
                        isBigEndian: false,
                        headerByteCount: bytes.count
                    )
            )
            #expect(header.voxelByteCount == shape.byteCount(type))
        }
    }

    @Test("An array of one axis is written in C order")
    func oneAxis() throws {
        let bytes = NpyHeader.encoded(type: .float32, shape: try Shape([9]), order: .fortran)
        #expect(try parse(bytes).0.order == .c)
    }
}
