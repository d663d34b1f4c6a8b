// SPDX-License-Identifier: Apache-2.0

/// Takes the header of a `.npy` array from the front of a stream, in pieces of any size.
///
/// Holds at most the header, and never more than 64 KiB of it.
package struct NpyHeaderParser: Sendable {
    package enum Progress: Equatable, Sendable {
        /// All bytes were taken, and more are needed.
        case needsMore
        /// The header ended after `consumed` of the bytes pushed; the rest are voxels.
        case done(NpyHeader, consumed: Int)
    }

    private var buffer: [UInt8] = []
    /// Bytes up to the first voxel, once the length field is known.
    private var headerByteCount: Int?

    package init() {}

    /// Takes the next bytes of the stream. After `done` or a throw, the parser must not be pushed again.
    ///
    /// - Throws: ``NpyError`` as soon as the header cannot be right; never ``NpyError/truncated(received:)``.
    package mutating func push(_ bytes: Span<UInt8>) throws(NpyError) -> Progress {
        var consumed = 0
        while true {
            let wanted = try wantedByteCount()
            if buffer.count == wanted, let headerByteCount, wanted == headerByteCount {
                let header = try parsed(headerByteCount: headerByteCount)
                return .done(header, consumed: consumed)
            }
            let taken = min(wanted - buffer.count, bytes.count - consumed)
            guard taken > 0 else { return .needsMore }
            for index in consumed..<(consumed + taken) { buffer.append(bytes[index]) }
            consumed += taken
        }
    }

    /// The stream has ended before `done`.
    package func ended() -> NpyError { .truncated(received: buffer.count) }

    /// How many bytes there must be before the next decision; also checks what is already there.
    private mutating func wantedByteCount() throws(NpyError) -> Int {
        if let headerByteCount { return headerByteCount }
        let magicCount = min(buffer.count, NpyFormat.magic.count)
        guard buffer[..<magicCount] == NpyFormat.magic[..<magicCount] else { throw .notNpy }
        guard buffer.count >= 8 else { return 8 }
        switch (buffer[6], buffer[7]) {
        case (1, 0):
            guard buffer.count >= NpyFormat.prefixByteCount1 else { return NpyFormat.prefixByteCount1 }
            return try settle(NpyFormat.prefixByteCount1)
        case (2, 0), (3, 0):
            guard buffer.count >= NpyFormat.prefixByteCount2 else { return NpyFormat.prefixByteCount2 }
            return try settle(NpyFormat.prefixByteCount2)
        case (let major, let minor):
            throw .unsupportedVersion(major: major, minor: minor)
        }
    }

    /// Reads the little-endian length field that fills the prefix from byte 8 on.
    private mutating func settle(_ prefixByteCount: Int) throws(NpyError) -> Int {
        var length = 0
        for index in (8..<prefixByteCount).reversed() { length = length << 8 | Int(buffer[index]) }
        guard length <= NpyFormat.maxDictionaryByteCount else {
            throw .headerTooLong(length, limit: NpyFormat.maxDictionaryByteCount)
        }
        headerByteCount = prefixByteCount + length
        return prefixByteCount + length
    }

    private func parsed(headerByteCount: Int) throws(NpyError) -> NpyHeader {
        let prefix = buffer[6] == 1 ? NpyFormat.prefixByteCount1 : NpyFormat.prefixByteCount2
        var dictionary = NpyDictionary(bytes: buffer, from: prefix)
        try dictionary.parse()
        guard let descr = dictionary.descr else { throw .missingKey("descr") }
        guard let isFortran = dictionary.isFortran else { throw .missingKey("fortran_order") }
        guard let sizes = dictionary.sizes else { throw .missingKey("shape") }
        let (type, isBigEndian) = try NpyHeaderParser.voxelType(descr)
        let shape: Shape
        do { shape = try Shape(sizes) } catch { throw .badShape(error) }
        return NpyHeader(
            type: type,
            shape: shape,
            order: isFortran ? .fortran : .c,
            isBigEndian: isBigEndian && type.byteWidth > 1,
            headerByteCount: headerByteCount
        )
    }

    /// Reads a type string: an optional byte order, a kind, a width.
    ///
    /// No byte order means the machine's, as `=` does.
    private static func voxelType(_ descr: String) throws(NpyError) -> (VoxelType, isBigEndian: Bool) {
        var name = Substring(descr)
        var byteOrder: Character = "="
        if let first = name.first, "<>=|".contains(first) {
            byteOrder = first
            name = name.dropFirst()
        }
        let type: VoxelType? =
            switch name {
            case "u1": .uint8
            case "u2": .uint16
            case "u4": .uint32
            case "u8": .uint64
            case "i1": .int8
            case "i2": .int16
            case "i4": .int32
            case "i8": .int64
            case "f4": .float32
            case "f8": .float64
            case "b1": .bool
            default: nil
            }
        // `|` says that there is no byte order, which is true of single bytes alone.
        guard let type, byteOrder != "|" || type.byteWidth == 1 else { throw .unsupportedType(descr) }
        return (type, byteOrder == ">")
    }
}
