// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not taken as the header of a `.npy` array.
package enum NpyError: Error, Equatable, Sendable {
    /// The first bytes are not `\x93NUMPY`.
    case notNpy
    case unsupportedVersion(major: UInt8, minor: UInt8)
    /// The length field asks for more than the limit.
    case headerTooLong(Int, limit: Int)
    /// The bytes ended inside the header.
    case truncated(received: Int)
    /// The dictionary is no such Python literal: what was expected, and at which byte of the header.
    case malformed(expected: String, offset: Int)
    case unknownKey(String)
    case repeatedKey(String)
    case missingKey(String)
    /// A type that is not a voxel.
    case unsupportedType(String)
    /// A structured type (the description is a list).
    case structuredType
    /// The shape has no axis, too many of them, or too many bytes.
    case badShape(AxesError)

    /// One sentence or two: what is wrong, and what would be right.
    package var message: String {
        switch self {
        case .notNpy:
            "not a .npy array: it must begin with the bytes 93 4E 55 4D 50 59 (\"\\x93NUMPY\")"
        case .unsupportedVersion(let major, let minor):
            ".npy version \(major).\(minor) is unknown: write 1.0, 2.0 or 3.0"
        case .headerTooLong(let count, let limit):
            "the .npy header says it is \(count) bytes long; at most \(limit) are read"
        case .truncated(let received):
            "the .npy header is cut off after \(received) bytes"
        case .malformed(let expected, let offset):
            "the .npy header is malformed at byte \(offset): expected \(expected)"
        case .unknownKey(let key):
            "the .npy header has the unknown key '\(key)': "
                + "it must have 'descr', 'fortran_order' and 'shape' alone"
        case .repeatedKey(let key):
            "the .npy header has the key '\(key)' twice"
        case .missingKey(let key):
            "the .npy header has no key '\(key)': it must have 'descr', 'fortran_order' and 'shape'"
        case .unsupportedType(let descr):
            "the .npy type '\(descr)' is not accepted: \(NpyError.accepted)"
        case .structuredType:
            "structured .npy types are not accepted: \(NpyError.accepted)"
        case .badShape(let error):
            "the .npy shape is not accepted: \(error.npyReason)"
        }
    }

    private static let accepted =
        "voxels are u1, u2, u4, u8, i1, i2, i4, i8, f4, f8 or b1, with '<', '>' or '=' before them, or '|' before those "
        + "of one byte"
}

extension AxesError {
    fileprivate var npyReason: String {
        switch self {
        case .axisCount(let count): "it has \(count) axes, and 1 to \(Shape.maxAxes) are possible"
        case .negativeSize(let size, let axis): "axis \(axis) has the size \(size)"
        case .factorBelowOne(let factor, let axis): "axis \(axis) has the factor \(factor)"
        case .tooLarge: "these are 2^52 voxels or more"
        }
    }
}
