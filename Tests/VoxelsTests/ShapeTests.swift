// SPDX-License-Identifier: Apache-2.0
import Testing
import Voxels

@Suite struct ShapeTests {
    @Test("A shape has 1 to 5 axes, none negative, and fewer than 2^52 voxels")
    func limits() throws {
        #expect(throws: AxesError.axisCount(0)) { try Shape([]) }
        #expect(throws: AxesError.axisCount(6)) { try Shape([1, 1, 1, 1, 1, 1]) }
        #expect(throws: AxesError.negativeSize(-2, axis: 1)) { try Shape([3, -2]) }
        #expect(throws: AxesError.tooLarge(voxelCount: 1 << 52)) { try Shape([1 << 52]) }
        #expect(throws: AxesError.tooLarge(voxelCount: 1 << 60)) { try Shape([0, 1 << 30, 1 << 30]) }
        #expect(throws: AxesError.tooLarge(voxelCount: .max)) { try Shape([1 << 40, 1 << 40, 3]) }
        #expect(try Shape([(1 << 52) - 1]).byteCount(.float64) == ((1 << 52) - 1) * 8)
    }

    @Test("Voxels and bytes are counted")
    func counts() throws {
        let shape = try Shape([5, 4, 3])
        #expect(shape.axisCount == 3)
        #expect(shape.voxelCount == 60)
        #expect(shape.byteCount(.uint16) == 120)
        #expect(try Shape([5, 0, 3]).voxelCount == 0)
    }

    @Test("The next mip is rounded up on every axis")
    func downsampled() throws {
        let shape = try Shape([5, 4, 3, 1])
        #expect(shape.downsampled(by: try Factor([2, 2])).sizes == [3, 2, 3, 1])
        #expect(shape.downsampled(by: try Factor([2, 3, 4, 5, 6])).sizes == [3, 2, 1, 1])
        #expect(shape.downsampled(by: try Factor([Int.max])).sizes == [1, 4, 3, 1])
        #expect(try Shape([0, 3]).downsampled(by: try Factor([2, 2])).sizes == [0, 2])
    }

    @Test("A factor has 1 to 5 entries, each 1 or more; missing ones are 1")
    func factors() throws {
        #expect(throws: AxesError.axisCount(0)) { try Factor([]) }
        #expect(throws: AxesError.axisCount(6)) { try Factor([1, 1, 1, 1, 1, 1]) }
        #expect(throws: AxesError.factorBelowOne(0, axis: 1)) { try Factor([2, 0]) }
        #expect(try Factor([2, 3]).entries == [2, 3, 1, 1, 1])
        #expect(try Factor([1, 1]).isIdentity)
        #expect(try !Factor([1, 2]).isIdentity)
    }

    @Test("Voxel types know their width, sign and kind", arguments: VoxelType.allCases)
    func types(type: VoxelType) {
        #expect(type.isFloat == type.rawValue.hasPrefix("float"))
        #expect(type.isSigned == (type.isFloat || type.rawValue.hasPrefix("int")))
        let bits = Int(type.rawValue.drop { !$0.isNumber }) ?? 8
        #expect(type.byteWidth * 8 == bits)
        #expect(Int(type.npyDescr.suffix(1)) == type.byteWidth)
    }
}
