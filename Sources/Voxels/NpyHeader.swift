// SPDX-License-Identifier: Apache-2.0

/// What the header of a `.npy` array says about the bytes behind it.
///
/// Source: numpy's NEP 1, "A Simple File Format for NumPy Arrays", versions 1.0, 2.0 and 3.0.
package struct NpyHeader: Sendable, Hashable {
    package let type: VoxelType
    /// The axes as the array has them, first to last, whatever `order` is.
    package let shape: Shape
    package let order: MemoryOrder
    /// Whether the voxels must be turned round (``swapBytes(of:width:)``); never for voxels of one byte.
    package let isBigEndian: Bool
    /// Bytes from the magic to the first voxel.
    package let headerByteCount: Int

    package init(type: VoxelType, shape: Shape, order: MemoryOrder, isBigEndian: Bool, headerByteCount: Int) {
        self.type = type
        self.shape = shape
        self.order = order
        self.isBigEndian = isBigEndian
        self.headerByteCount = headerByteCount
    }

    /// Bytes behind the header.
    package var voxelByteCount: Int { shape.byteCount(type) }

    /// Returns the header of a little-endian array, version 1.0, as numpy writes it.
    ///
    /// An array of one axis is both C and Fortran contiguous; numpy calls it C order, and so do we.
    /// Like numpy, leaves room for the last axis to grow to 21 digits and pads to a multiple of 64 bytes.
    package static func encoded(type: VoxelType, shape: Shape, order: MemoryOrder) -> [UInt8] {
        let isFortran = order == .fortran && shape.axisCount > 1
        let sizes = shape.sizes.map(String.init)
        let tuple = sizes.count == 1 ? "(\(sizes[0]),)" : "(\(sizes.joined(separator: ", ")))"
        let flag = isFortran ? "True" : "False"
        var text = Array("{'descr': '\(type.npyDescr)', 'fortran_order': \(flag), 'shape': \(tuple), }".utf8)

        let growing = isFortran ? sizes[sizes.count - 1] : sizes[0]
        text += repeatElement(UInt8(ascii: " "), count: max(0, 21 - growing.utf8.count))
        let unpadded = NpyFormat.prefixByteCount1 + text.count + 1
        text += repeatElement(UInt8(ascii: " "), count: 64 - unpadded % 64)
        text.append(UInt8(ascii: "\n"))

        // At most 5 axes of 19 digits each: some 200 bytes, far from the 65,535 of version 1.0.
        let count = UInt16(text.count)
        return NpyFormat.magic + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)] + text
    }
}

/// Fixed parts of the format.
enum NpyFormat {
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// Magic, version, a 16-bit length.
    static let prefixByteCount1 = 10
    /// Magic, version, a 32-bit length: versions 2.0 and 3.0.
    static let prefixByteCount2 = 12
    /// Longest dictionary that is read.
    static let maxDictionaryByteCount = 65_536
}

extension VoxelType {
    /// numpy's type string, little endian.
    package var npyDescr: String {
        switch self {
        case .uint8: "|u1"
        case .uint16: "<u2"
        case .uint32: "<u4"
        case .uint64: "<u8"
        case .int8: "|i1"
        case .int16: "<i2"
        case .int32: "<i4"
        case .int64: "<i8"
        case .float32: "<f4"
        case .float64: "<f8"
        case .bool: "|b1"
        }
    }
}
