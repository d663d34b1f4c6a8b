// SPDX-License-Identifier: Apache-2.0
import Voxels

/// A header around `dictionary`, padded as numpy does.
func npy(_ dictionary: String, version: UInt8 = 1, behind: [UInt8] = []) -> [UInt8] {
    let lengthByteCount = version == 1 ? 2 : 4
    var text = Array(dictionary.utf8)
    while (8 + lengthByteCount + text.count + 1) % 64 != 0 { text.append(0x20) }
    text.append(0x0A)
    let length = (0..<lengthByteCount).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    return [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, version, 0] + length + text + behind
}

/// Pushes everything in pieces; returns the header and how many of all bytes were taken.
func parse(_ bytes: [UInt8], piece: Int = .max) throws(NpyError) -> (NpyHeader, consumed: Int) {
    var parser = NpyHeaderParser()
    var position = 0
    while position < bytes.count {
        let end = position + min(piece, bytes.count - position)
        let slice = Array(bytes[position..<end])
        switch try parser.push(slice.span) {
        case .needsMore: position = end
        case .done(let header, let consumed): return (header, position + consumed)
        }
    }
    throw parser.ended()
}

/// The error of a dictionary that is refused.
func refusal(_ dictionary: String) -> NpyError? {
    do throws(NpyError) {
        _ = try parse(npy(dictionary))
        return nil
    } catch {
        return error
    }
}
