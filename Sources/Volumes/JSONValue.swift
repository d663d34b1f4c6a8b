// SPDX-License-Identifier: Apache-2.0

package import Voxels

/// A JSON text as a value.
///
/// Whole numbers that fit an `Int` are ``integer(_:)`` however they were written (`203`, `203.0`, `2e2`), all others
/// ``number(_:)``, which is finite.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// A number as it is written: whole ones become ``integer(_:)``. `value` is finite.
    package init(_ value: Double) {
        self = Int(exactly: value).map(JSONValue.integer) ?? .number(value)
    }

    package init(_ extent: Extent3) { self = .array(extent.entries.map(JSONValue.integer)) }

    /// The whole number, or `nil`.
    package var wholeNumber: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The number, rounded to the nearest `Double`, or `nil`.
    package var anyNumber: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }

    package var text: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    package var isNull: Bool { self == .null }
}
