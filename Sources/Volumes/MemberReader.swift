// SPDX-License-Identifier: Apache-2.0
internal import Voxels

/// Takes the members of one JSON object, with an error that names the path of what is wrong.
///
/// What was taken is no longer in ``rest``, so that this holds the unknown members at the end.
struct MemberReader {
    let path: JSONPath
    private(set) var rest: [String: JSONValue]

    init(_ value: JSONValue, at path: JSONPath, allowed: String) throws(InfoError) {
        guard case .object(let members) = value else {
            throw .wrong(path.text.isEmpty ? "info" : path.text, value, allowed: allowed)
        }
        self.path = path
        rest = members
    }

    /// The member, or `nil` where it is missing or `null`.
    mutating func optional(_ name: String) -> JSONValue? {
        guard let value = rest.removeValue(forKey: name), !value.isNull else { return nil }
        return value
    }

    /// The member, which must be there; `null` is a wrong value.
    mutating func required(_ name: String, allowed: String) throws(InfoError) -> JSONValue {
        guard let value = rest.removeValue(forKey: name) else {
            throw .missing(path: path.member(name).text, allowed: allowed)
        }
        return value
    }

    /// Leaves a member out, whatever it is.
    mutating func drop(_ name: String) { rest[name] = nil }

    /// Puts a member, once checked, back among the unknown ones.
    mutating func keep(_ name: String, _ value: JSONValue) { rest[name] = value }

    func wrong(_ name: String, _ found: JSONValue, allowed: String) -> InfoError {
        .wrong(path.member(name).text, found, allowed: allowed)
    }

    mutating func requiredInteger(_ name: String, in range: ClosedRange<Int>) throws(InfoError) -> Int {
        let value = try required(name, allowed: Self.wording(of: range))
        return try Self.integer(value, at: path.member(name), in: range)
    }

    mutating func optionalInteger(_ name: String, in range: ClosedRange<Int>) throws(InfoError) -> Int? {
        guard let value = optional(name) else { return nil }
        return try Self.integer(value, at: path.member(name), in: range)
    }

    mutating func optionalBool(_ name: String) throws(InfoError) -> Bool? {
        guard let value = optional(name) else { return nil }
        guard case .bool(let bool) = value else { throw wrong(name, value, allowed: "true or false") }
        return bool
    }

    mutating func optionalText(_ name: String, allowed: String) throws(InfoError) -> String? {
        guard let value = optional(name) else { return nil }
        guard let text = value.text else { throw wrong(name, value, allowed: allowed) }
        return text
    }

    /// Three integers along x, y, z.
    static func extent(
        _ value: JSONValue,
        at path: JSONPath,
        in range: ClosedRange<Int>
    ) throws(InfoError) -> Extent3 {
        guard case .array(let entries) = value, entries.count == 3 else {
            throw .wrong(
                path.text,
                value,
                allowed: "three integers, x, y, z, each \(Self.wording(of: range))"
            )
        }
        var extent = Extent3(repeating: 0)
        for (axis, entry) in entries.enumerated() {
            extent[axis] = try integer(entry, at: path.element(axis), in: range)
        }
        return extent
    }

    private static func integer(
        _ value: JSONValue,
        at path: JSONPath,
        in range: ClosedRange<Int>
    ) throws(InfoError) -> Int {
        guard let integer = value.wholeNumber, range.contains(integer) else {
            throw .wrong(path.text, value, allowed: wording(of: range))
        }
        return integer
    }

    private static func wording(of range: ClosedRange<Int>) -> String {
        "an integer from \(range.lowerBound) to \(range.upperBound)"
    }
}
