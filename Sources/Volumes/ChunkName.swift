// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// Names of chunks, as `-70--6_13-77_5-69`: begin and end along x, y, z.
///
///     name   = range "_" range "_" range
///     range  = number "-" number                      ; begin below end
///     number = "0" / [ "-" ] nonzero *15DIGIT         ; at most 2^53 on either side of 0
///
/// A chunk has exactly one name: no plus sign, no padding zeros, no `-0`.
package enum ChunkName {
    /// The box that a name stands for, or `nil` if it is no name of a chunk.
    package static func parse(_ name: Substring) -> Box3? { parse(name.utf8Span.span) }

    /// The box that a name stands for, or `nil` if it is no name of a chunk.
    package static func parse(_ name: String) -> Box3? { parse(name.utf8Span.span) }

    /// The box that a name stands for, or `nil` if it is no name of a chunk. No byte beyond the 107th is looked at.
    package static func parse(_ name: Span<UInt8>) -> Box3? {
        var box = Box3(begin: Extent3(repeating: 0), end: Extent3(repeating: 0))
        var position = 0
        for axis in 0..<3 {
            if axis > 0 {
                guard position < name.count, name[position] == UInt8(ascii: "_") else { return nil }
                position += 1
            }
            guard let begin = number(name, &position), position < name.count,
                name[position] == UInt8(ascii: "-")
            else { return nil }
            position += 1
            guard let end = number(name, &position), begin < end else { return nil }
            box.begin[axis] = begin
            box.end[axis] = end
        }
        return position == name.count ? box : nil
    }

    /// The name of the chunk that holds `box`.
    package static func text(_ box: Box3) -> String {
        "\(box.begin.x)-\(box.end.x)_\(box.begin.y)-\(box.end.y)_\(box.begin.z)-\(box.end.z)"
    }

    private static func number(_ name: Span<UInt8>, _ position: inout Int) -> Int? {
        let isNegative = position < name.count && name[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let start = position
        var value = 0
        while position < name.count {
            let digit = name[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            // Sixteen digits are below 10^16, which leaves room in 63 bits.
            guard position - start < 16 else { return nil }
            value = value * 10 + Int(digit)
            position += 1
        }
        guard position > start, value <= ScaleInfo.maxCoordinate else { return nil }
        let hasPaddingZero = name[start] == UInt8(ascii: "0") && (position - start > 1 || isNegative)
        return hasPaddingZero ? nil : isNegative ? -value : value
    }
}
